// SPDX-License-Identifier: MIT
// CPUID as the hypervisor answers it: the instruction itself would tell of features that a guest may not use.
#pragma once
#include <cpuid.hpp>
#include <pv/xen.h>

namespace arch {
inline CpuidResult cpuid(std::uint32_t leaf, std::uint32_t sub = 0)
{
    CpuidResult r;
    asm volatile(XEN_CPUID : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(sub));
    return r;
}
}  // namespace arch
