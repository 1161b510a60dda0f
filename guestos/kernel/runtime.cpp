// SPDX-License-Identifier: MIT
// What the header-only libraries expect of a C++ runtime: the ways in which their checks fail, and one constant.
#include <lib/panic.hpp>
#include <new>

namespace std {
nothrow_t const nothrow{};

[[noreturn]] void __throw_out_of_range_fmt(char const *, ...);
void __throw_out_of_range_fmt(char const *what, ...) { panic("out of range: %s", what); }
}  // namespace std

extern "C" [[noreturn]] void __assert_fail(char const *condition, char const *file, unsigned line,
                                           char const *function) noexcept;
extern "C" void __assert_fail(char const *condition, char const *file, unsigned line, char const *) noexcept
{
    panic("%s:%u: %s does not hold", file, line, condition);
}
