// SPDX-License-Identifier: MIT
// 64-bit arithmetic that the compiler calls libgcc for. With -mregparm=3 it passes the arguments of these calls in registers too, but libgcc's
// functions expect them on the stack; the linker (--wrap, Makefile) sends the calls here and these to libgcc.
#include <cstdint>

#define STACK_ARGUMENTS __attribute__((regparm(0)))

extern "C" {
std::uint64_t __real___udivdi3(std::uint64_t, std::uint64_t) STACK_ARGUMENTS;
std::uint64_t __real___umoddi3(std::uint64_t, std::uint64_t) STACK_ARGUMENTS;
std::uint64_t __real___udivmoddi4(std::uint64_t, std::uint64_t, std::uint64_t *) STACK_ARGUMENTS;
std::int64_t __real___divdi3(std::int64_t, std::int64_t) STACK_ARGUMENTS;
std::int64_t __real___moddi3(std::int64_t, std::int64_t) STACK_ARGUMENTS;
std::int64_t __real___divmoddi4(std::int64_t, std::int64_t, std::int64_t *) STACK_ARGUMENTS;
int __real___ctzdi2(std::uint64_t) STACK_ARGUMENTS;
int __real___popcountsi2(std::uint32_t) STACK_ARGUMENTS;

std::uint64_t __wrap___udivdi3(std::uint64_t, std::uint64_t);
std::uint64_t __wrap___umoddi3(std::uint64_t, std::uint64_t);
std::uint64_t __wrap___udivmoddi4(std::uint64_t, std::uint64_t, std::uint64_t *remainder);
std::int64_t __wrap___divdi3(std::int64_t, std::int64_t);
std::int64_t __wrap___moddi3(std::int64_t, std::int64_t);
std::int64_t __wrap___divmoddi4(std::int64_t, std::int64_t, std::int64_t *remainder);
int __wrap___ctzdi2(std::uint64_t);
int __wrap___popcountsi2(std::uint32_t);

std::uint64_t __wrap___udivdi3(std::uint64_t n, std::uint64_t d) { return __real___udivdi3(n, d); }
std::uint64_t __wrap___umoddi3(std::uint64_t n, std::uint64_t d) { return __real___umoddi3(n, d); }
std::uint64_t __wrap___udivmoddi4(std::uint64_t n, std::uint64_t d, std::uint64_t *remainder)
{
    return __real___udivmoddi4(n, d, remainder);
}
std::int64_t __wrap___divdi3(std::int64_t n, std::int64_t d) { return __real___divdi3(n, d); }
std::int64_t __wrap___moddi3(std::int64_t n, std::int64_t d) { return __real___moddi3(n, d); }
std::int64_t __wrap___divmoddi4(std::int64_t n, std::int64_t d, std::int64_t *remainder)
{
    return __real___divmoddi4(n, d, remainder);
}
int __wrap___ctzdi2(std::uint64_t x) { return __real___ctzdi2(x); }
int __wrap___popcountsi2(std::uint32_t x) { return __real___popcountsi2(x); }
}
