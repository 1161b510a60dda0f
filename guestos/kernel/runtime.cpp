// SPDX-License-Identifier: MIT
// What the header-only libraries expect of a C++ runtime: the ways in which their checks fail, and one constant.
#include <lib/panic.hpp>
#include <new>

namespace std {
nothrow_t const nothrow{};

__attribute__((noreturn)) void __throw_out_of_range_fmt(char const *, ...);
void __throw_out_of_range_fmt(char const *what, ...) { panic("out of range: %s", what); }
}  // namespace std

extern "C" __attribute__((noreturn)) void __assert_fail(char const *condition, char const *file, unsigned line,
                                                        char const *function) noexcept;
extern "C" void __assert_fail(char const *condition, char const *file, unsigned line, char const *) noexcept
{
    panic("%s:%u: %s does not hold", file, line, condition);
}

// A constructor or destructor that calls what only its heirs define.
extern "C" void __cxa_pure_virtual();
extern "C" void __cxa_pure_virtual() { panic("a pure virtual function was called"); }

// clang's form of memcmp, where only equality is asked for.
extern "C" int bcmp(void const *a, void const *b, std::size_t bytes) noexcept;
extern "C" int bcmp(void const *a, void const *b, std::size_t bytes) noexcept { return __builtin_memcmp(a, b, bytes); }
