// SPDX-License-Identifier: MIT
#include "init.hpp"
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

namespace init {
void bring_network_up()
{
    constexpr char script[] = "/etc/lodger/network";
    auto wanted = std::getenv("LODGER_NET");
    if (!wanted)
        return;
    pid_t child = fork();
    if (child == 0) {
        execl(script, script, wanted, nullptr);
        std::fprintf(stderr, "init: cannot run %s: %s\n", script, std::strerror(errno));
        _exit(127);
    }
    while (child > 0 && waitpid(child, nullptr, 0) < 0 && errno == EINTR) {}
}
}  // namespace init
