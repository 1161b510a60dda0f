// SPDX-License-Identifier: MIT
// bench MODE [WORD]...: as the first process of a machine, or as an ordinary program. Results are lines that begin with "@".
//
//   time BATCHES SECONDS [ROW]...   nanoseconds need the tick rate, line @tsc at the end
//   marked MILLISECONDS [ROW]...    so long for each row, between two marks that whoever reads the console answers
//   instructions [ROW]...           where a tick of the time-stamp counter is an instruction
//   counters [ROW]...               what /proc/xen/counters grew by
//   programs TIMES                  the macro set; each run stands between two marks
//   disks SECONDS                   fio and dd on /dev/xvda or /dev/vda, which is written over
//   network SECONDS [WORD]...       iperf3, requests and responses; words as in network.cpp
//   serve [WORD]...                 the other machine of that
//   answer PORT                     the same for requests of a byte only, on 127.0.0.1
//   list
#include "bench.hpp"
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iterator>
#include <span>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace bench {
AnyRow const *AnyRow::first;

AnyRow::AnyRow(char const *row_name, unsigned n) : name{row_name}, operations{n}, next{first} { first = this; }

namespace {
std::string path;
bool first_process;

using Words = std::span<char *>;

std::vector<AnyRow const *> chosen(Words names)
{
    std::vector<AnyRow const *> rows;
    for (auto r = AnyRow::first; r; r = r->next)
        if (r->possible()
            && (names.empty() || std::ranges::any_of(names, [r](char *n) { return std::string_view{n} == r->name; })))
            rows.push_back(r);
    std::ranges::sort(rows, {}, [](AnyRow const *r) { return std::string_view{r->name}; });
    return rows;
}

double now()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

unsigned number(Words words, std::size_t i)
{
    if (i >= words.size())
        fail("a number is missing");
    return static_cast<unsigned>(std::strtoul(words[i], nullptr, 10));
}

void all_times(Words words)
{
    Limits limits{number(words, 0), number(words, 1)};
    auto start_ns = now();
    auto start = ticks();
    for (auto r : chosen(words.subspan(2)))
        measure_time(*r, limits);
    auto elapsed = ticks() - start;
    std::printf("@tsc\t%.0f\t%.0f\n", static_cast<double>(elapsed), now() - start_ns);
}

void run(Words words)
{
    std::string_view mode = words.empty() ? "" : words[0];
    auto rest = words.empty() ? words : words.subspan(1);
    if (mode == "time")
        all_times(rest);
    else if (mode == "programs")
        run_programs(number(rest, 0));
    else if (mode == "disks")
        run_disks(number(rest, 0));
    else if (mode == "network")
        run_network(number(rest, 0), {rest.begin() + 1, rest.end()});
    else if (mode == "serve")
        serve_network({rest.begin(), rest.end()});
    else if (mode == "answer")
        answer_on_loopback(number(rest, 0));
    else if (mode == "marked")
        for (auto r : chosen(rest.subspan(1)))
            measure_marked(*r, number(rest, 0));
    else if (mode == "instructions")
        for (auto r : chosen(rest))
            measure_instructions(*r);
    else if (mode == "counters")
        for (auto r : chosen(rest))
            measure_counters(*r);
    else if (mode == "list")
        for (auto r : chosen(rest))
            std::printf("%s\n", r->name);
    else if (first_process && !words.empty())
        return run(rest);  // a kernel may leave words of its own command line in front
    else
        fail("the first word must be time, marked, instructions, counters, programs, disks, network, serve, answer or "
             "list");
    std::printf("@done\n");
}
}  // namespace

std::string const &own_path() { return path; }

void fail(std::string const &what)
{
    std::printf("@failed\t%s\n", what.c_str());
    std::fflush(stdout);
    if (first_process)
        end_machine();
    std::exit(1);
}

void check(bool good, char const *what)
{
    if (!good)
        fail(std::string{what} + ": " + std::strerror(errno));
}
}  // namespace bench

int main(int argc, char **argv)
{
    if (argc == 3 && std::string_view{argv[1]} == "child")
        return bench::run_as_child(argv[2]);
    bench::first_process = getpid() == 1;
    char self[4096];
    if (bench::first_process)
        bench::become_first_process();
    auto n = readlink("/proc/self/exe", self, sizeof self);
    bench::path = n > 0 ? std::string(self, static_cast<std::size_t>(n)) : argv[0];
    bench::run({argv + 1, static_cast<std::size_t>(argc - 1)});
    if (bench::first_process)
        bench::end_machine();
}
