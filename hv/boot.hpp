// SPDX-License-Identifier: MIT
#pragma once
#include <cstdarg>
#include <hv/multiboot.hpp>
#include <lib/format.hpp>

namespace hv {
extern BootInfo boot_info;  // the machine's memory map; modules where they are now
}
