// SPDX-License-Identifier: MIT
// What an entry of a page table may say, and the references that it holds while it stands in a validated table. Every entry comes
// in through acquire_entry and goes out through release_entry, whether its whole table is validated or one entry changes:
// there is no other way.
#pragma once
#include <cstdint>
#include <hv/domain.hpp>
#include <hv/frames.hpp>
#include <hv/tlb.hpp>
#include <lib/x86/pte.hpp>

namespace hv {
// Whose frames an L1 entry may map: `table_owner`'s tables may hold entries for `page_owner`'s frames. nullptr: device
// memory only (DOMID_IO). L2 and L3 entries always name tables of table_owner.
struct EntryOwners {
    Domain *table_owner;
    Domain *page_owner;
};

constexpr bool is_table(FrameType t)
{
    return t == FrameType::l1 || t == FrameType::l2 || t == FrameType::l3 || t == FrameType::l2_top;
}
// The number of entries of a table of this type that are the guest's.
constexpr unsigned guest_entries(FrameType t)
{
    constexpr unsigned top = (0xf580'0000u >> l2_shift) & 511;
    return t == FrameType::l3 ? entries_per_pdpt : t == FrameType::l2_top ? top : entries_per_table;
}

// Brings the entry into the form that is stored (bits the processor lacks or that have no meaning at this level go), and takes the
// references it needs. Error::inval: not allowed. Error::busy: the frame is in use as something else.
// Error::again: preempted in a lower table.
Result<> acquire_entry(Pte &entry, FrameType table, unsigned index, EntryOwners);
// Gives them back. Error::again: preempted in a lower table, nothing given back yet.
inline Result<> release_entry(Pte entry, FrameType table);

// Takes a table apart whose validation was interrupted and never taken up again. The caller holds a reference.
Result<> abandon(Frame &);

// The hypervisor's entries of an L2 behind slot 3, from index guest_entries(l2_top).
Pte const *hypervisor_entries();
// May the domain map this frame, which is no RAM? A privileged one any but the hypervisor's own devices.
bool io_frame_allowed(Domain const &, std::uint64_t frame);

inline Result<> release_entry(Pte entry, FrameType table)
{
    if (!entry.present() || (table == FrameType::l1 && is_io(entry.frame())))
        return {};
    Frame &f = frame_of(entry.frame());
    if (table == FrameType::l1 && !entry.has(Pte::RW)) {
        put_frame(f);
        return {};
    }
    TRY(put_type(f));
    put_frame(f);
    return {};
}
}  // namespace hv
