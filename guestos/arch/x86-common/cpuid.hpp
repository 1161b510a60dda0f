// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace arch {
struct CpuidResult {
    std::uint32_t eax, ebx, ecx, edx;
};
}  // namespace arch
