// SPDX-License-Identifier: MIT
// CPUID as the processor answers it.
#pragma once
#include <lib/x86/priv.hpp>

namespace arch {
inline x86::Cpuid cpuid(std::uint32_t leaf, std::uint32_t sub = 0) { return x86::cpuid(leaf, sub); }
}  // namespace arch
