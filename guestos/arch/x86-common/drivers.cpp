// SPDX-License-Identifier: MIT
#include <arch/driver.hpp>
#include <arch/platform.hpp>

namespace arch {
extern "C" Driver const __start_drivers[], __stop_drivers[];  // link.ld

void start_drivers()
{
    for (auto d = __start_drivers; d != __stop_drivers; ++d)
        d->start();
}
}  // namespace arch
