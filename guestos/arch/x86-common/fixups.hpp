// SPDX-License-Identifier: MIT
// The exception table: pairs of an instruction that may fault in the kernel and the place to go on
// at. C++ and assembler.
#pragma once
#ifdef __ASSEMBLER__
// clang-format off
.macro fixup instruction, target
	.pushsection .fixups, "a", @progbits
	.long	\instruction, \target
	.popsection
.endm
// clang-format on
#else
#include <cstdint>

namespace arch {
struct Fixup {
    std::uint32_t instruction, target;
};
}  // namespace arch
#endif
