// SPDX-License-Identifier: MIT
// Instructions of the hypervisor that may fault, and where to go on when they do. trap.cpp looks the faulting eip up.
// The section's name is a C identifier, so the linker supplies __start_ex_table and __stop_ex_table by itself.
//
//   in assembly:   1: mov (%esi), %eax          in C++:  asm("1: ... \n2:\n" HV_EX_TABLE("1b", "3f"))
//                  EX_TABLE(1b, fixup)
#pragma once
#ifdef __ASSEMBLY__
#define EX_TABLE(from, to)      \
    .pushsection ex_table, "a"; \
    .balign 4;                  \
    .long from, to;             \
    .popsection
#else
#include <cstdint>

#define HV_EX_TABLE(from, to)                       \
    ".pushsection ex_table, \"a\"\n\t.balign 4\n\t" \
    ".long " from ", " to "\n\t.popsection\n\t"

namespace hv {
struct ExceptionEntry {
    std::uint32_t fault;  // address of the instruction
    std::uint32_t fixup;  // where to continue
};
static_assert(sizeof(ExceptionEntry) == 8);
}  // namespace hv
#endif
