// SPDX-License-Identifier: MIT
// CONTRACT kernel -> arch: copying to and from user memory of the running address space, with page faults on the way served as
// if the program had made them; an address that cannot be served stops the copy (exception table, x86-common/user_copy.S).
#pragma once
#include <cstddef>
#include <lib/addr.hpp>

namespace arch {
// Number of bytes NOT copied; the caller has checked that the range lies below user_limit.
std::size_t copy_from_user_raw(void *dst, Vaddr src, std::size_t n);
std::size_t copy_to_user_raw(Vaddr dst, void const *src, std::size_t n);
std::size_t clear_user_raw(Vaddr dst, std::size_t n);
// Length without the NUL, copied with it; -1: fault; n: no NUL within n bytes.
std::ptrdiff_t copy_string_from_user_raw(char *dst, Vaddr src, std::size_t n);
// Atomically, for futexes: *addr == expected ? *addr = desired. False: fault.
bool compare_exchange_user(Vaddr addr, std::uint32_t expected, std::uint32_t desired, std::uint32_t &seen);
// In the page-fault upcall, for a fault in the kernel: where to go on, or 0.
Vaddr find_fixup(Vaddr ip);
}  // namespace arch
