// SPDX-License-Identifier: MIT
// How a row is measured. Time: batches of a fixed number of operations, each between two runs of a calibration loop that never
// leaves ring 3; a batch counts if both runs were as fast as the loop ever was (within 5 %), so nobody disturbed this
// processor around it; the fastest batch that counts is the result. Instructions: under an emulator whose time-stamp counter
// counts instructions, the fastest of a few batches. Counters: what the hypervisor's counters grew by.
#include "bench.hpp"
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>
#include <vector>

namespace bench {
namespace {
constexpr unsigned calibration_rounds = 10'000;
constexpr double tolerance = 1.05;
std::uint64_t best_calibration = ~0ull;

struct Batch {
    std::uint64_t calibration, ticks;  // the slower of the two runs; the batch itself
};

std::uint64_t calibrate()
{
    auto start = ticks();
    std::uint32_t x = 1;
    for (unsigned i = 0; i < calibration_rounds; ++i) {
        x = x * 1664525 + 1013904223;
        asm volatile("" : "+r"(x));
    }
    auto took = ticks() - start;
    best_calibration = std::min(best_calibration, took);
    return took;
}

double seconds()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

Batch run_batch(Work &work, unsigned n)
{
    work.before(n);
    auto before = calibrate();
    auto start = ticks();
    work.run(n);
    auto took = ticks() - start;
    return {std::max(before, calibrate()), took};
}

bool counts(Batch const &b)
{
    return static_cast<double>(b.calibration) <= static_cast<double>(best_calibration) * tolerance;
}

using Counters = std::map<std::string, double>;

// Lines "name number"; the name may have spaces.
Counters read_counters()
{
    Counters values;
    std::ifstream file("/proc/xen/counters");
    for (std::string line; std::getline(file, line);)
        if (auto end = line.find_last_of(' '); end != std::string::npos)
            values[line.substr(0, end)] = std::stod(line.substr(end + 1));
    return values;
}

// Counters are 32 bits wide.
double growth(Counters const &from, Counters const &to, std::string const &name)
{
    auto before = from.find(name);
    double d = to.at(name) - (before == from.end() ? 0 : before->second);
    return d < 0 ? d + 4294967296.0 : d;
}
}  // namespace

void measure_time(AnyRow const &row, Limits limits)
{
    for (int i = 0; i < 200; ++i)
        calibrate();
    auto work = row.prepare();
    std::vector<Batch> batches;
    auto end = seconds() + limits.seconds;
    auto counted = [&] { return static_cast<unsigned>(std::ranges::count_if(batches, counts)); };
    while (counted() < limits.batches && seconds() < end)
        batches.push_back(run_batch(*work, row.operations));
    Batch best{0, ~0ull};
    bool any = counted() != 0;  // none: the best of the disturbed ones; its calibration tells
    for (auto const &b : batches)
        if ((!any || counts(b)) && b.ticks < best.ticks)
            best = b;
    std::printf("@time\t%s\t%.3f\t%llu\t%u\t%zu\n", row.name, static_cast<double>(best.ticks) / row.operations,
                static_cast<unsigned long long>(best.calibration), counted(), batches.size());
    std::fflush(stdout);
}

// For a clock outside the machine: batches for about `milliseconds` of this machine's time (0: one), their number told at the end.
void measure_marked(AnyRow const &row, unsigned milliseconds)
{
    auto work = row.prepare();
    run_batch(*work, row.operations);
    work->before(row.operations);
    unsigned batches = 0;
    mark("begin", row.name, 0);
    auto end = seconds() + milliseconds * 1e-3;
    do {
        if (batches)
            work->before(row.operations);
        work->run(row.operations);
        ++batches;
    } while (seconds() < end);
    mark("end", row.name, batches * row.operations);
}

void measure_instructions(AnyRow const &row)
{
    constexpr int batches = 6;
    auto work = row.prepare();
    auto best = ~0ull;
    for (int i = 0; i < batches; ++i)
        best = std::min(best, run_batch(*work, row.operations).ticks);
    std::printf("@insn\t%s\t%.2f\n", row.name, static_cast<double>(best) / row.operations);
    std::fflush(stdout);
}

void measure_counters(AnyRow const &row)
{
    auto work = row.prepare();
    run_batch(*work, row.operations);  // everything has happened once
    work->before(row.operations);
    auto empty_start = read_counters();
    auto start = read_counters();  // what reading costs is in the difference of these two
    work->run(row.operations);
    auto end = read_counters();
    for (auto const &[name, value] : end) {
        auto n = growth(start, end, name) - growth(empty_start, start, name);
        if (n > 0.5)
            std::printf("@count\t%s\t%s\t%.3f\n", row.name, name.c_str(), n / row.operations);
    }
    std::fflush(stdout);
}
}  // namespace bench
