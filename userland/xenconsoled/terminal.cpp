// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <fcntl.h>
#include <termios.h>
#include <userland/common/system_error.hpp>
#include <userland/xenconsoled/terminal.hpp>

namespace console {
Result<Terminal> Terminal::open()
{
    Fd master{posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)};
    char name[64];
    if (!master || grantpt(master.get()) != 0 || unlockpt(master.get()) != 0
        || ptsname_r(master.get(), name, sizeof name) != 0)
        return last_error();
    Fd slave{::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)};
    termios settings{};
    if (!slave || tcgetattr(slave.get(), &settings) != 0)
        return last_error();
    cfmakeraw(&settings);
    if (tcsetattr(slave.get(), TCSANOW, &settings) != 0)
        return last_error();
    return Terminal{std::move(master), std::move(slave), name};
}
}  // namespace console
