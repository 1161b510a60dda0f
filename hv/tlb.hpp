// SPDX-License-Identifier: MIT
// The translation look-aside buffer, and the clock that tells whether it was flushed since (frames.hpp, "THE TLB RULE").
//
// A flush that a frame's change of use needs may wait: while the hypervisor runs nobody uses a translation of the guest's, but for the
// copies to and from its memory. So it is noted in flush_due, and done before such a copy and before any guest runs. A load of CR3 in
// between has done it. (A frame that gets another owner is flushed for at once: the new owner's data may come in by other ways.)
//
// One physical processor: a local flush reaches every vCPU. With more of them a flush here becomes a flush on those whose clock still
// shows the stamp. The clock may wrap: equal numbers only ever cause a flush too many.
#pragma once
#include <cstdint>
#include <lib/addr.hpp>

namespace hv {
extern std::uint32_t flush_clock;  // advances with every flush of all guest translations

extern bool flush_due;
void flush_before_guest();                   // notes a flush
void flush_tlb();                            // all but the hypervisor's own (global) translations
void flush_tlb_page(std::uint32_t address);  // one page; does not advance the clock
void load_root(Mfn l3);                      // CR3; flushes. l3 lies below 4 GB
Mfn loaded_root();
void load_idle_root();  // the hypervisor's own tables: maps nothing of any guest
void flush_caches();    // wbinvd
inline void finish_flush()
{
    if (flush_due)
        flush_tlb();
}

extern "C" std::uint32_t boot_nx;  // boot.S
inline bool nx_supported() { return boot_nx != 0; }
}  // namespace hv
