// SPDX-License-Identifier: MIT
// The mapping window: each slot remembers its frame, so the page tables that a guest works on stay mapped and cost neither a store nor
// an invlpg. A frame may sit in any of the few slots from its hash on; more than one is harmless, since a mapping never goes stale: it
// translates to the same machine address whoever owns the frame.
#include <hv/layout.hpp>
#include <hv/map.hpp>
#include <hv/paging.hpp>
#include <lib/panic.hpp>
#include <lib/x86/priv.hpp>

namespace hv {
namespace {

constexpr unsigned slots = 1022, device_slots = 1, brief_slot = slots + device_slots, ways = 4;

struct Slot {
    std::uint32_t frame_plus_1;  // 0: never used
    std::uint32_t users;
};
Slot table[slots];
unsigned devices, turn;

void *address_of(unsigned slot)
{
    return reinterpret_cast<void *>(static_cast<std::uintptr_t>(mapping_start + slot * page_size));
}

void *map_uncached(unsigned slot, Mfn frame)
{
    std::uint32_t address = mapping_start + slot * page_size;
    *hypervisor_pte(address) = Pte{frame, Pte::P | Pte::RW | Pte::A | Pte::D | Pte::PCD | Pte::PWT | nx_bit()};
    x86::invlpg(address);
    return address_of(slot);
}

unsigned wrap(unsigned slot) { return slot < slots ? slot : slot - slots; }

// An unused slot, near the hash if possible.
unsigned choose(unsigned hash)
{
    for (unsigned i = 0; i < ways; ++i) {
        unsigned slot = wrap(hash + (turn + i) % ways);
        if (table[slot].users == 0) {
            ++turn;
            return slot;
        }
    }
    for (unsigned i = ways; i < slots; ++i)
        if (unsigned slot = wrap(hash + i); table[slot].users == 0)
            return slot;
    panic("all %u frame mappings are in use at once: one is never given back", slots);
}

}  // namespace

void *map_frame(Mfn frame)
{
    unsigned hash = frame.raw() % slots;
    for (unsigned i = 0; i < ways; ++i) {
        unsigned slot = wrap(hash + i);
        if (table[slot].frame_plus_1 == frame.raw() + 1) {
            ++table[slot].users;
            return address_of(slot);
        }
    }
    unsigned slot = choose(hash);
    std::uint32_t address = mapping_start + slot * page_size;
    *hypervisor_pte(address) = Pte{frame, Pte::P | Pte::RW | Pte::A | Pte::D | nx_bit()};
    if (table[slot].frame_plus_1)
        x86::invlpg(address);
    table[slot] = {frame.raw() + 1, 1};
    return address_of(slot);
}

void unmap_frame(void *p)
{
    auto slot = static_cast<unsigned>((reinterpret_cast<std::uintptr_t>(p) - mapping_start) >> page_shift);
    ASSERT(slot < slots && table[slot].users > 0);
    --table[slot].users;
}

void *map_device(Mfn frame)
{
    ASSERT(devices < device_slots);
    return map_uncached(slots + devices++, frame);
}

void *map_device_briefly(Mfn frame) { return map_uncached(brief_slot, frame); }

}  // namespace hv
