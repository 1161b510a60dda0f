// SPDX-License-Identifier: MIT
// Runs the tests and ends with the line that `make test` sums up.
#define CATCH_CONFIG_RUNNER
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#include <catch2/catch.hpp>
#include <cstdio>

namespace {
unsigned passed, failed;

struct Counter : Catch::TestEventListenerBase {
    using TestEventListenerBase::TestEventListenerBase;
    void testCaseEnded(Catch::TestCaseStats const &stats) override
    {
        ++(stats.totals.assertions.failed ? failed : passed);
    }
};
CATCH_REGISTER_LISTENER(Counter)
}  // namespace

int main(int argc, char **argv)
{
    int status = Catch::Session().run(argc, argv);
    std::printf("%u passed, %u failed\n", passed, failed);
    return status;
}
