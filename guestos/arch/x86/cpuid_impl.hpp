// SPDX-License-Identifier: MIT
// CPUID as the processor answers it.
#pragma once
#include <cpuid.hpp>

namespace arch {
inline CpuidResult cpuid(std::uint32_t leaf, std::uint32_t sub = 0)
{
    CpuidResult r;
    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(sub));
    return r;
}
}  // namespace arch
