// SPDX-License-Identifier: MIT
// What memory_op.cpp and exchange.cpp share.
#pragma once
#include <cstdint>
#include <hv/domain.hpp>
#include <lib/result.hpp>
#include <pv/memory.h>

namespace hv {
inline constexpr unsigned memory_op_start_shift = 6;  // MEMOP_EXTENT_SHIFT: cmd = op | extents done << 6

// A xen_memory_reservation after its checks: the list lies in the guest's part of the address space.
struct Reservation {
    Domain *owner;
    std::uint32_t list;  // guest address of frame numbers; 0: none
    std::uint32_t extents;
    unsigned extent_order;
    bool populate;
    std::uint32_t frame_end;  // frames from here up are not wanted (XENMEMF_address_bits)
};
// Error::nomem: more extents than can be, which the calls on extents answer with 0 done.
Result<Reservation> check_reservation(xen_memory_reservation const &);
Result<Reservation> read_reservation(std::uint32_t guest_address);

// Scrubbed frames of the owner's, contiguous and aligned.
Result<Mfn> allocate_extent(Reservation const &);

std::int32_t exchange_memory(std::uint32_t arg);
}  // namespace hv
