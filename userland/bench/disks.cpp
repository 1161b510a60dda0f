// SPDX-License-Identifier: MIT
// What a disk gives: Debian's fio past all caches, 4 and 128 KB at a time, in a row and at random, one transfer after the other or sixteen
// threads at once; and Debian's dd, through the page cache and past it. Answers are lines "@disk NAME MICROSECONDS": for one transfer, or one
// dd, the least of several.
//
// The first disk is written over; the second has fio and its libraries (tools/program-fio.mk).
#include "bench.hpp"
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <sys/mount.h>
#include <unistd.h>

namespace bench {
namespace {
constexpr unsigned region_kb = 32 << 10, most_threads = 16;  // of the disk is used

double now_us()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

void answer(char const *name, double microseconds)
{
    std::printf("@disk\t%s\t%.3f\n", name, microseconds);
    std::fflush(stdout);
}

// /dev/xvda or /dev/vda, and so on.
std::string find_disk(char letter)
{
    for (int tries = 0; tries < 100; ++tries, usleep(100'000))
        for (std::string name : {"/dev/xvd", "/dev/vd"})
            if (access((name + letter).c_str(), R_OK) == 0)
                return name + letter;
    fail(std::string{"there is no disk /dev/vd"} + letter + " or /dev/xvd" + letter);
}

struct Shape {
    char const *name, *pattern;
    unsigned kb, threads;
};
constexpr Shape shapes[] = {
    {"read 4k, in a row", "read", 4, 1},         {"read 4k, in a row, 16 at once", "read", 4, most_threads},
    {"read 4k, random", "randread", 4, 1},       {"read 4k, random, 16 at once", "randread", 4, most_threads},
    {"read 128k, in a row", "read", 128, 1},     {"read 128k, in a row, 16 at once", "read", 128, most_threads},
    {"read 128k, random", "randread", 128, 1},   {"read 128k, random, 16 at once", "randread", 128, most_threads},
    {"write 4k, in a row", "write", 4, 1},       {"write 4k, in a row, 16 at once", "write", 4, most_threads},
    {"write 4k, random", "randwrite", 4, 1},     {"write 4k, random, 16 at once", "randwrite", 4, most_threads},
    {"write 128k, in a row", "write", 128, 1},   {"write 128k, in a row, 16 at once", "write", 128, most_threads},
    {"write 128k, random", "randwrite", 128, 1}, {"write 128k, random, 16 at once", "randwrite", 128, most_threads},
};

// The jobs of all shapes, one after the other, in several short rounds; threads have a part of the region each.
void write_jobs(char const *path, std::string const &disk, unsigned seconds)
{
    constexpr unsigned rounds_a_second = 4;
    std::unique_ptr<std::FILE, int (*)(std::FILE *)> file{std::fopen(path, "w"), std::fclose};
    check(file != nullptr, path);
    std::fprintf(file.get(),
                 "[global]\nfilename=%s\nioengine=psync\ndirect=1\nthread\ngroup_reporting\nstonewall\nnorandommap\n"
                 "gtod_reduce=1\ndisk_util=0\ntime_based\nruntime=%ums\n",
                 disk.c_str(), 1000 / rounds_a_second);
    for (unsigned round = 0; round < seconds * rounds_a_second; ++round)
        for (auto const &s : shapes)
            std::fprintf(file.get(), "[%s]\nrw=%s\nbs=%uk\nnumjobs=%u\nsize=%uk\noffset_increment=%uk\n", s.name,
                         s.pattern, s.kb, s.threads, region_kb / s.threads, region_kb / s.threads);
}

using Results = std::array<double, std::size(shapes)>;  // microseconds, the least so far

// A line of fio's terse output, version 3 (fio(1)): fields between semicolons; 2 is the job's name, 4 its error, 6 and 47 kilobytes in a
// second, read and written.
void take_line(std::string const &line, Results &least)
{
    std::array<std::string, 48> field;
    std::size_t at = 0;
    for (auto &f : field) {
        auto const end = std::min(line.find(';', at), line.size());
        f = line.substr(at, end - at);
        at = std::min(end + 1, line.size());
    }
    auto const *shape = std::find_if(std::begin(shapes), std::end(shapes),
                                     [&](Shape const &s) { return field[2] == s.name; });
    if (shape == std::end(shapes))
        return;
    double const rate = std::atof(field[6].c_str()) + std::atof(field[47].c_str());
    if (field[4] != "0" || rate == 0)
        fail("fio: " + line);
    auto &best = least[static_cast<std::size_t>(shape - shapes)];
    best = std::min(best, shape->kb * 1e6 / rate);
}

void run_fio(std::string const &disk, unsigned seconds)
{
    auto const programs = find_disk('b');
    check(mount(programs.c_str(), "/mnt", "ext2", MS_RDONLY, nullptr) == 0, "mounting fio's disk");
    char const *jobs = "/tmp/jobs";
    write_jobs(jobs, disk, seconds);
    auto const
        command = std::string{"/mnt/lib/ld-linux.so.2 --library-path /mnt/lib /mnt/bin/fio --output-format=terse "
                              "--terse-version=3 --eta=never "}
        + jobs + " 2>&1";
    auto *out = popen(command.c_str(), "r");
    check(out != nullptr, "fio");
    Results least;
    least.fill(1e12);
    std::string line;
    for (int c; (c = std::fgetc(out)) != EOF;) {
        if (c != '\n') {
            line += static_cast<char>(c);
            continue;
        }
        take_line(line, least);
        line.clear();
    }
    if (pclose(out) != 0)
        fail("fio ended with an error: " + line);
    umount("/mnt");
    for (std::size_t i = 0; i < least.size(); ++i)
        answer(shapes[i].name, least[i]);
}

// The least of several, for so many seconds.
void time_command(char const *name, unsigned seconds, std::string const &command)
{
    double least = 1e12;
    auto const end = now_us() + seconds * 1e6;
    do {
        auto const start = now_us();
        if (run_command(command) != 0)
            fail(command + " failed");
        least = std::min(least, now_us() - start);
    } while (now_us() < end);
    answer(name, least);
}
}  // namespace

void run_disks(unsigned seconds)
{
    load_modules({"virtio_blk", "crc16", "crc32c_generic", "mbcache", "jbd2", "ext4"});
    auto const disk = find_disk('a');
    run_fio(disk, seconds);
    time_command("dd read 16 MB, direct", seconds,
                 "dd if=" + disk + " of=/dev/null bs=1M count=16 iflag=direct 2>/dev/null");
    time_command("dd write 16 MB, fsync", seconds,
                 "dd if=/dev/zero of=" + disk + " bs=64k count=256 conv=fsync 2>/dev/null");
}
}  // namespace bench
