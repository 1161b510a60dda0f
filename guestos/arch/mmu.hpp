// SPDX-License-Identifier: MIT
// CONTRACT kernel -> arch: the memory-management unit, as x86-common's page tables use it.
//
// The kernel names frames by Pfn and never sees an Mfn. A frame that becomes a page table is announced with adopt() before it
// is linked and with disown() after it is unlinked, or after its root was disowned: hardware does not care, a hypervisor must validate it.
// set() and disown() may be deferred; only after commit() may the caller rely on the entry, or use the frame, and errors are kept until then.
#pragma once
#include <concepts>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <lib/x86/pte.hpp>
#include <mmu_impl.hpp>  // arch/$(ARCH): defines arch::Mmu

namespace arch {
// clang-format off
template <class M>
concept MmuContract = requires(M m, Pfn pfn, Mfn mfn, Vaddr va, Pte *slot, Pte pte, Level level)
{
    { M::to_machine(pfn) } -> std::same_as<Mfn>;
    { M::to_pseudo(mfn) } -> std::same_as<Pfn>;
    { M::frame_ptr(pfn) } -> std::same_as<void *>;
    { m.allocate_table(slot) } -> std::same_as<Result<Pfn>>;  // empty: an L1 that this entry will name; nullptr: another
    { m.adopt(pfn, level) } -> std::same_as<Result<>>;
    { m.disown(pfn, level) } -> std::same_as<void>;
    { m.set(slot, pte) } -> std::same_as<void>;
    { m.invalidate(va) } -> std::same_as<void>;  // the page whose entry was set last, after commit()
    { m.invalidate_all() } -> std::same_as<void>;  // all user entries, after commit()
    { m.commit() } -> std::same_as<Result<>>;
    { m.load_root(pfn, pfn) } -> std::same_as<Result<>>;  // the second: what was loaded, to be disowned with it, or no_pfn
    { m.attach_kernel(pfn) } -> std::same_as<Result<>>;  // a new root gets the kernel's part (slot 3)
    { m.detach_kernel(pfn) } -> std::same_as<void>;  // what attach_kernel() allocated is given back
    { M::kernel_slot(va) } -> std::same_as<Pte *>;  // the L1 entry of a kernel address; its table always exists
    { M::kernel_root() } -> std::same_as<Pfn>;  // the root with nothing in its user part
    { M::no_execute() } -> std::same_as<std::uint64_t>;  // Pte::NX if the processor has it, else 0
    { M::global() } -> std::same_as<std::uint64_t>;  // Pte::G where kernel mappings may be global, else 0
};
// clang-format on
#ifndef UNIT_TEST
static_assert(MmuContract<Mmu>);
extern Mmu the_mmu;  // of this processor
inline Mmu &mmu() { return the_mmu; }
#endif
inline void *frame_ptr(Pfn f) { return Mmu::frame_ptr(f); }
}  // namespace arch
