// SPDX-License-Identifier: MIT
// The translation look-aside buffer, and the clock that tells whether it was flushed since (frames.hpp, "THE TLB RULE").
//
// One physical processor: a local flush reaches every vCPU. With more of them a flush here becomes a flush on those whose clock still
// shows the stamp. The clock may wrap: equal numbers only ever cause a flush too many.
#pragma once
#include <cstdint>
#include <lib/addr.hpp>

namespace hv {
extern std::uint32_t flush_clock;  // advances with every flush of all guest translations

void flush_tlb();                            // all but the hypervisor's own (global) translations
void flush_tlb_page(std::uint32_t address);  // one page; does not advance the clock
void load_root(Mfn l3);                      // CR3; flushes. l3 lies below 4 GB
Mfn loaded_root();
void load_idle_root();  // the hypervisor's own tables: maps nothing of any guest
void flush_caches();    // wbinvd
bool nx_supported();
}  // namespace hv
