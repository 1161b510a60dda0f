// SPDX-License-Identifier: MIT
// The hypervisor's own messages: "(hv) ..." lines on the serial console and in a ring that XEN_SYSCTL_readconsole reads.
#pragma once

namespace hv {
void log(char const *format, ...) __attribute__((format(printf, 1, 2)));
// For messages that a guest can cause: at most a few a second, then counted and dropped.
void log_limited(char const *format, ...) __attribute__((format(printf, 1, 2)));
}  // namespace hv
