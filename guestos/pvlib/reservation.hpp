// SPDX-License-Identifier: MIT
// How much machine memory this domain holds: giving frames of the linear map back to the hypervisor and getting others. Both work on
// up to reservation_batch frames a call and return how many were done. include/pv/memory.h; the frames are out of use meanwhile.
#pragma once
#include <lib/addr.hpp>
#include <span>

namespace pv {
inline constexpr unsigned reservation_batch = 32;

// The linear map's entries become empty. Fewer than asked: the hypervisor refused the next one, which is as before.
unsigned release_machine_frames(std::span<Pfn const>);
// The frames have (zeroed or old) memory again and are mapped writable. Fewer: there is no more for us.
unsigned obtain_machine_frames(std::span<Pfn const>);
}  // namespace pv
