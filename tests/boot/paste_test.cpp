// SPDX-License-Identifier: MIT
// More is typed than anything on the way holds, while nobody reads: the sender is held back, and every byte is there later.
#include "console.hpp"
#include "paths.hpp"
#include <catch2/catch.hpp>
#include <string>

TEST_CASE("a long text pasted at the console", "[console]")
{
    auto how = GENERATE(as<std::string>{}, "qemu", "native");
    DYNAMIC_SECTION("on " << how)
    {
        Console console{boot_command(how)};
        REQUIRE(console.use_shell());
        std::string text;
        while (text.size() < 30'000)
            text += std::to_string(text.size()) + " ";
        console.enter("stty raw -echo; echo 'go'ing; sleep 2; head -c " + std::to_string(text.size())
                      + " | md5sum; stty sane");
        REQUIRE(console.wait_for("going"));
        console.type(text);
        INFO(console.transcript());
        REQUIRE(console.wait_for("  -", 60));
        auto sum = run_command({"md5sum"}, text).output;
        CHECK("\n" + sum == console.before() + "  -\n");
        REQUIRE(console.wait_for("ready> "));
        console.enter("poweroff");
        CHECK(console.wait_for_end(60) == 0);
    }
}
