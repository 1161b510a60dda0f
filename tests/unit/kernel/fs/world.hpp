// SPDX-License-Identifier: MIT
// The file system code of the kernel inside a process of this machine: one kernel thread, its memory, its system calls. The
// calls go through the kernel's own table, so the tests speak the ABI, and this machine's Linux can answer the same calls.
#pragma once
#include <cstdint>
#include <functional>
#include <kernel/process/process.hpp>
#include <string>

namespace world {
void begin();  // an empty root tmpfs, "/" as root and working directory, no open files
std::uint32_t frames_in_use();
extern std::function<void()> on_sleep;  // what "the others" do while the kernel's thread sleeps; none: the test fails
extern int last_signal;                 // sent to the thread
kernel::Thread &second_thread();        // another process with the same root
void run_as(kernel::Thread &);          // current() from now on
kernel::Thread &first_thread();

// A page of "user" memory that both kernels can read and write.
char *user(unsigned offset = 0);
inline constexpr unsigned user_bytes = 1 << 20, text_bytes = 8 * 8192;  // the strings of text() are the end of it
// Our kernel's answer: result or -errno.
std::int32_t call(unsigned number, std::uint32_t a = 0, std::uint32_t b = 0, std::uint32_t c = 0, std::uint32_t d = 0,
                  std::uint32_t e = 0, std::uint32_t f = 0);
// This machine's Linux's answer to the same call, through int 0x80.
std::int32_t linux_call(unsigned number, std::uint32_t a = 0, std::uint32_t b = 0, std::uint32_t c = 0,
                        std::uint32_t d = 0, std::uint32_t e = 0, std::uint32_t f = 0);
// A string in user memory, at one of eight places in turn; stays until the eighth next.
std::uint32_t text(std::string const &);
inline std::uint32_t address(void const *p) { return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(p)); }
}  // namespace world
