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
// The same for the most usual entry of an L1, in few steps: the page owner's memory, nothing in it that is refused or left out, and if
// it is writable the frame is in use so already. False: it is another one, and nothing has happened; acquire_entry() knows.
inline bool acquire_usual_l1(Pte entry, EntryOwners);
// Gives them back. Error::again: preempted in a lower table, nothing given back yet.
inline Result<> release_entry(Pte entry, FrameType table);

// Takes a table apart whose validation was interrupted and never taken up again. The caller holds a reference.
Result<> abandon(Frame &);

// The hypervisor's entries of an L2 behind slot 3, from index guest_entries(l2_top).
Pte const *hypervisor_entries();
// May the domain map this frame, which is no RAM? A privileged one any but the hypervisor's own devices.
bool io_frame_allowed(Domain const &, std::uint64_t frame);

inline bool acquire_usual_l1(Pte entry, EntryOwners owners)
{
    constexpr auto low_refused = static_cast<std::uint32_t>(Pte::G | Pte::PWT | Pte::PCD | Pte::PS);
    constexpr std::uint32_t high_frame = 0xf;  // of 24 bits; above them is nothing but NX
    constexpr std::uint32_t writable = static_cast<std::uint32_t>(FrameType::writable) << Frame::type_shift
        | Frame::validated;
    auto low = static_cast<std::uint32_t>(entry.raw()), high = static_cast<std::uint32_t>(entry.raw() >> 32);
    if ((low & (low_refused | Pte::P)) != Pte::P || (high & ~high_frame & (nx_supported() ? ~(1u << 31) : ~0u)))
        return false;
    Mfn mfn{high << (32 - page_shift) | low >> page_shift};
    if (!owners.page_owner || !valid(mfn))
        return false;
    Frame &f = frame_of(mfn);
    std::uint32_t references = f.count & Frame::count_mask;
    if (f.owner != owner_id(*owners.page_owner) || references == 0 || references == Frame::count_mask)
        return false;
    if (low & Pte::RW) {
        std::uint32_t types = f.type_count();
        if (f.type_info - types != writable || types == 0 || types == Frame::type_count_mask)
            return false;
        ++f.type_info;
    }
    ++f.count;
    ++owners.table_owner->counters.entries_validated;
    return true;
}

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
