// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstring>
#include <termios.h>
#include <userland/foreground/foreground.hpp>
#include <userland/toolstack/failure.hpp>

namespace {
constexpr int guest_crashed = 2, own_failure = 1;

void make_console_raw()
{
    termios settings{};
    if (tcgetattr(0, &settings) != 0)
        return;
    cfmakeraw(&settings);
    tcsetattr(0, TCSANOW, &settings);
}
}  // namespace

int main(int argc, char **argv)
{
    bool frames = argc == 3 && std::strcmp(argv[1], "--frames") == 0;
    if (argc != 2 && !frames) {
        std::fputs("Usage: foreground [--frames] GUEST-FILE\n"
                   "Runs one guest at this console until it ends: status 0, or 2 if it crashed.\n",
                   stderr);
        return own_failure;
    }
    try {
        auto config = read_guest_file(argv[argc - 1]);
        make_console_raw();
        auto reason = Foreground{std::move(config), frames}.run();
        return reason == SHUTDOWN_poweroff ? 0 : guest_crashed;
    } catch (std::exception const &error) {
        std::fprintf(stderr, "foreground: %s\r\n", error.what());
        return own_failure;
    }
}
