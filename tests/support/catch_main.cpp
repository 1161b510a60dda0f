// SPDX-License-Identifier: MIT
// main() of every Catch2 program of ours: runs the tests and ends with the line that the suites' runner counts.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <cstdio>

namespace {
Catch::Totals totals;

struct Counter : Catch::TestEventListenerBase {
    using TestEventListenerBase::TestEventListenerBase;
    void testRunEnded(Catch::TestRunStats const &stats) override { totals = stats.totals; }
};
}  // namespace
CATCH_REGISTER_LISTENER(Counter)

int main(int argc, char **argv)
{
    int status = Catch::Session{}.run(argc, argv);
    auto const &cases = totals.testCases;
    // A run without a test, or one that could not start, is a failure.
    auto failed = cases.failed + (cases.total() == 0 || (status != 0 && cases.failed == 0));
    std::printf("%zu passed, %zu failed\n", cases.passed, failed);
    return failed != 0;
}
