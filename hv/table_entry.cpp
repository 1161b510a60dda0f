// SPDX-License-Identifier: MIT
// One page-table entry: what it may say at each level, and the references it holds. SDM Vol. 3A tables 4-8 to 4-11.
//
//   level  in slot/index     names               reference          refused
//   L1     0..511            the owner's memory  general, or        G, bits 52-62; PWT PCD PAT unless it is a
//                                                + writable if RW   device's
//   L2     0..511 (top: 427) an L1               l1                 PS (superpages), PWT PCD G, bits 52-62
//   L3     0..2 / 3          an L2               l2 / l2_top        PWT PCD PS G NX, bits 52-62; slot 3 empty
//
// An entry that is not present holds nothing and may say anything.
#include <hv/pirq.hpp>
#include <hv/tlb.hpp>
#include <hv/validate.hpp>

namespace hv {
namespace {

constexpr std::uint64_t high_bits = 0x7ff0'0000'0000'0000;           // 52-62: reserved
constexpr std::uint64_t cache_bits = Pte::PWT | Pte::PCD | Pte::PS;  // PS is PAT in an L1
constexpr std::uint64_t never_l1 = high_bits | Pte::G;
constexpr std::uint64_t never_l2 = high_bits | Pte::G | cache_bits;
constexpr std::uint64_t never_l3 = never_l2 | Pte::NX;
constexpr std::uint64_t meaningless_l3 = Pte::RW | Pte::US | Pte::A | Pte::D;  // reserved by PAE, common in guests
constexpr std::uint64_t machine_frames = 1u << 24;  // 36 bits of machine address, what every PAE processor has
constexpr std::uint64_t too_high = Pte::frame_mask & ~((machine_frames << page_shift) - 1);

std::uint64_t frame_number(Pte e) { return (e.raw() & Pte::frame_mask) >> page_shift; }

Result<> acquire_io(Pte &entry, EntryOwners owners)
{
    Domain const *for_whom = owners.page_owner ? owners.page_owner : owners.table_owner;
    if (!io_frame_allowed(*owners.table_owner, frame_number(entry)) || !io_frame_allowed(*for_whom, frame_number(entry)))
        return Error::perm;
    if (entry.has(Pte::RW) && holds_messages(entry.frame()))
        return Error::perm;
    if (!valid(entry.frame()))  // device registers: one cacheability for everybody
        entry = entry.with(Pte::PCD);
    return {};
}

Result<> acquire_l1(Pte &entry, EntryOwners owners)
{
    if (entry.flags() & never_l1)
        return Error::inval;
    if (is_io(entry.frame()))
        return acquire_io(entry, owners);
    // Memory is cached, whoever maps it: nobody sees what another's cache has not written back.
    if ((entry.flags() & cache_bits) || !owners.page_owner)
        return Error::inval;
    if (entry.has(Pte::RW))
        TRY(get_frame_and_type(entry.frame(), owners.page_owner, FrameType::writable));
    else
        TRY(get_frame(entry.frame(), owners.page_owner));
    return {};
}

}  // namespace

bool io_frame_allowed(Domain const &d, std::uint64_t frame)
{
    constexpr std::uint64_t io_apic = 0xfec00, local_apic = 0xfee00;
    return d.privileged && frame < machine_frames && frame != io_apic && frame != local_apic;
}

Result<> acquire_entry(Pte &entry, FrameType table, unsigned index, EntryOwners owners)
{
    if (index >= guest_entries(table))
        return Error::inval;
    if (!entry.present()) {  // the hypervisor itself lives behind the last slot of every L3
        bool needed = table == FrameType::l3 && index == entries_per_pdpt - 1;
        return needed ? Result<>{Error::inval} : Result<>{};
    }
    ++owners.table_owner->counters.entries_validated;
    if (entry.raw() & too_high)
        return Error::inval;
    if (entry.has(Pte::NX) && table != FrameType::l3 && !nx_supported())
        entry = entry.without(Pte::NX);
    if (table == FrameType::l1)
        return acquire_l1(entry, owners);
    if (entry.flags() & (table == FrameType::l3 ? never_l3 : never_l2))
        return Error::inval;
    FrameType below = FrameType::l1;
    if (table == FrameType::l3) {
        entry = entry.without(meaningless_l3);
        below = index == entries_per_pdpt - 1 ? FrameType::l2_top : FrameType::l2;
    }
    TRY(get_frame_and_type(entry.frame(), owners.table_owner, below));
    return {};
}

}  // namespace hv
