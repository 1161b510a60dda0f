// SPDX-License-Identifier: MIT
#pragma once
#include <kernel/memory/address_space.hpp>

namespace kernel {
// The top of a program's memory, where its stack begins: the vDSO lies above.
Vaddr stack_end();
Result<> map_vdso(AddressSpace &);  // exec
}  // namespace kernel
