// SPDX-License-Identifier: MIT
// The grant table itself, one for the domain; drivers use it through GrantRef and GrantReserve.
//
//   table (the hypervisor's frames, mapped here)     slots (ours, private)
//   | 0 .. 7   the toolstack's                  |    |                                   |
//   | r        flags, domid, machine frame      |    | free or lingering: the next one;  |
//   |                                           |    | in use: the Pfn                   |
//
// Nothing here sleeps, so there is no lock; interrupt handlers do not use it.
#pragma once
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <pv/grant_table.h>
#include <pvlib/device/grant.hpp>

namespace pv {
class GrantTable {
public:
    static constexpr unsigned entries_per_frame = page_size / sizeof(grant_entry_v1);
    static constexpr unsigned most_frames = 64;

    Result<grant_ref_t> take();  // an entry of nobody's. Error::nospc, Error::nosys, Error::nomem
    void put(grant_ref_t);       // back, unused
    void grant(grant_ref_t, domid_t, Pfn, Access);
    bool mapped(grant_ref_t) const;
    bool try_end(grant_ref_t);  // false: the other end has it mapped
    // Ends it sooner or later, and then puts the entry back.
    void end_and_put(grant_ref_t);
    void linger(grant_ref_t);           // after try_end() said no
    std::uint32_t release_lingering();  // those that can be; the number that cannot
    void report_lingering();            // in the log, each domain once
    GrantCounts counts() const { return {frames_ * entries_per_frame, free_count_, lingering_count_}; }

private:
    Result<> start();
    Result<> grow();
    void add_entries(unsigned frame);
    grant_entry_v1 volatile &entry(grant_ref_t r) const { return table_[r]; }
    std::uint32_t &slot(grant_ref_t r) { return slots_[r / entries_per_frame][r % entries_per_frame]; }

    grant_entry_v1 volatile *table_ = nullptr;
    std::uint32_t *slots_[most_frames] = {};
    unsigned frames_ = 0, frame_limit_ = 0;
    static constexpr grant_ref_t end_of_list = 0;
    grant_ref_t free_ = end_of_list, lingering_ = end_of_list;
    std::uint32_t free_count_ = 0, lingering_count_ = 0;
};
GrantTable &grant_table();
}  // namespace pv
