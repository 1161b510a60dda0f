// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace kernel {
// What uname(2) says and /proc/version, /proc/sys/kernel/* repeat. `release` is 6.1's because that is the ABI programs find here.
struct SystemNames {
    char host[65] = "lodger";
    char domain[65] = "(none)";
};
SystemNames &system_names();
inline constexpr char system_name[] = "Linux", system_release[] = "6.1.0-lodger", system_machine[] = "i686";
extern char const system_version[65];
}  // namespace kernel
