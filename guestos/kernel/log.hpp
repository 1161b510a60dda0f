// SPDX-License-Identifier: MIT
// The kernel's log: a ring that dmesg(1) and /dev/kmsg read, echoed on the console unless the command line says `quiet`.
//
// A message may begin with "<N>", its level: 0 emergency .. 3 error, 4 warning, 6 information (the default), 7 debugging.
#pragma once
#include <cstddef>
#include <cstdint>
#include <lib/panic.hpp>

namespace kernel {
class WaitQueue;
void log(char const *format, ...) __attribute__((format(printf, 1, 2)));
// Once per distinct key: for calls that a program asks for and we lack.
void log_once(std::uint32_t key, char const *format, ...) __attribute__((format(printf, 2, 3)));
// syslog(2): copies up to n bytes from position `from` (bytes since boot); updates `from`; returns the count. The text is that of
// dmesg -r: "<6>[    0.123456] message\n".
std::size_t read_log(std::uint64_t &from, char *out, std::size_t n);
std::uint64_t log_start(), log_end();  // the range of positions the ring still holds
WaitQueue &log_grows();                // woken for each message
// Messages of a level below this one appear on the console; syslog(2) sets it. 7: all but debugging; 4: `quiet`.
int console_log_level();
void set_console_log_level(int);
void log_has_clock();  // from now on messages carry the time
}  // namespace kernel
