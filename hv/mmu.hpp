// SPDX-License-Identifier: MIT
// What mmu_update.cpp, update_va_mapping.cpp and mmuext.cpp share.
#pragma once
#include <cstdint>
#include <hv/domain.hpp>
#include <hv/lock.hpp>
#include <hv/validate.hpp>
#include <lib/result.hpp>

namespace hv {
extern Lock mmu_lock;  // all page tables and types of all domains: held for one hypercall at a time

inline constexpr std::uint32_t mmu_preempted = 1u << 31;  // in a count argument: `done` already holds a number

// The domain that a hypercall's argument names, for the caller. Error::srch: no such domain, or a dying one: its frames get no new uses;
// Error::perm: not the caller's to name. DOMID_IO gives nullptr.
Result<Domain *> named_domain(std::uint32_t id);

// Writes one entry of a table that is in use as one, with all references; or of memory that is not.
// `preserve`: accessed and dirty bits stay as they are.
Result<> update_table(Frame &table, std::uint32_t offset, Pte value, EntryOwners, bool preserve);
// For an L1 that is known to be one: update_va_mapping.
Result<> update_l1(Frame &l1, unsigned index, Pte value, EntryOwners, bool preserve);

// Stores and returns what was there, whatever the processor does to it at the same time. The references are the caller's business.
Pte exchange_entry(Pte *slot, Pte value, bool preserve);

// Puts a table that is no longer in use. What cannot be done now is left in the vCPU's unfinished_table...
void put_table_later(Vcpu &, Frame &);
// ...which every call that can make more of it finishes first. Error::again: preempted.
Result<> finish_unfinished(Vcpu &);

// The vCPU has no root any more. Error::again: preempted.
Result<> release_root(Vcpu &);

// Makes a table the vCPU's root: validates it as an L3, loads it, lets go of the old one.
Result<> set_root(Vcpu &, Mfn l3);
}  // namespace hv
