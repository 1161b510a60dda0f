// SPDX-License-Identifier: MIT
// The kernel's log: a ring that dmesg(1) and /dev/kmsg read, echoed on the console unless the command line says `quiet`.
#pragma once
#include <cstddef>
#include <cstdint>
#include <lib/panic.hpp>

namespace kernel {
void log(char const *format, ...) __attribute__((format(printf, 1, 2)));
// Once per distinct key: for calls that a program asks for and we lack.
void log_once(std::uint32_t key, char const *format, ...) __attribute__((format(printf, 2, 3)));
// syslog(2): copies up to n bytes from position `from` (bytes since boot); updates `from`; returns the count.
std::size_t read_log(std::uint64_t &from, char *out, std::size_t n);
std::uint64_t log_start(), log_end();              // the range of positions the ring still holds
}    // namespace kernel
