// SPDX-License-Identifier: MIT
// Grant tables, version 1: what a domain lets others map and copy.
//
//   granter: entries in frames that it shares with the hypervisor      mapper: one MapEntry for each mapping, named by its handle
//     | flags domid frame | ...                                          | granter, reference, frame, flags | ...
//          |  what of it is in use: ActiveGrant (one mapper, pins) <---------------'
//
// THE INVARIANT. A page-table entry that was made from a grant holds the references on the frame that any entry holds (validate.hpp), and
// gives them back like any other when it is overwritten: so a frame is never free or a table while anything maps it, whatever becomes of
// grant, granter and mapper. Besides that a mapping holds a pin of the granter's entry, which keeps GTF_reading/GTF_writing set there; pins
// equal the map entries that name the grant. A mapping for a device (GNTMAP_device_map) has no page-table entry: its map entry
// holds the references.
//
// The granter's entries are read once and believed only in that instant; everything afterwards goes by the ActiveGrant.
#pragma once
#include <cstdint>
#include <hv/domain.hpp>
#include <hv/lock.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <pv/grant_table.h>

namespace hv {
inline constexpr unsigned grants_per_frame = page_size / sizeof(grant_entry_v1);
inline constexpr unsigned grant_frame_limit = 64;     // of a table: 32768 entries
inline constexpr unsigned maptrack_frame_limit = 64;  // in frames of 256 map entries, as Xen counts them
inline constexpr unsigned default_maptrack_frames = 4, default_control_maptrack_frames = 64;

// Who uses an entry of ours. There is one for each entry that has pins.
struct ActiveGrant {
    ActiveGrant *next;  // in the hash
    grant_ref_t reference;
    Mfn frame;
    DomainId mapper;  // one domain at a time
    std::uint16_t readers, writers;
    bool pinned() const { return readers || writers; }
};

struct MapEntry {
    std::uint32_t serial;   // the granter's; 0: not in use
    grant_ref_t reference;  // not in use: the next free handle
    Mfn frame;
    DomainId granter;
    std::uint8_t flags;  // GNTMAP_*: what is left of the mapping
};
static_assert(sizeof(MapEntry) == 16);

struct GrantTable {
    static constexpr unsigned active_buckets = 64, map_chunk = 64;
    unsigned frame_count = 0, frame_limit = 0;
    Mfn frames[grant_frame_limit] = {};
    ActiveGrant **active = nullptr;         // active_buckets lists
    unsigned map_limit = 0, map_count = 0;  // handles that may be, and that there are
    grant_handle_t first_free = ~0u;
    MapEntry **map_chunks = nullptr;
    grant_handle_t released = 0;  // dying: handles below are given back
};

extern Lock grant_lock;  // all grant tables. Taken after mmu_lock

// Negative counts ask for the default. Error::nomem: no table.
Result<> create_grant_table(Domain &, std::int32_t max_frames, std::int32_t max_maptrack_frames);
Result<> grow_grant_table(Domain &, unsigned frames);
// Gives up the mappings that the domain holds of others. Error::again: preempted.
Result<> release_mappings(Domain &);
void free_grant_table(Domain &);  // after release_mappings

// --- grant_pin.cpp: pins
// A pin of `reference` for `mapper`, who must be the domain that the entry names. The frame is not referenced by it.
Result<ActiveGrant *> pin_grant(Domain &granter, grant_ref_t reference, Domain &mapper, bool writable);
void unpin_grant(Domain &granter, ActiveGrant &, bool writable);
ActiveGrant *find_active(Domain &granter, grant_ref_t reference);

// --- maptrack.cpp: handles
Result<grant_handle_t> take_handle(Domain &);
void use_handle(Domain &, grant_handle_t, MapEntry const &);
MapEntry *map_entry(Domain &, grant_handle_t);  // nullptr: not one of its handles in use
void put_handle(Domain &, grant_handle_t);

// --- grant_map.cpp, grant_copy.cpp: the caller is the current domain
Result<> map_grant(gnttab_map_grant_ref &);
struct Unmap {
    std::uint64_t host_address, device_address, new_address;  // 0: none
    grant_handle_t handle;
};
Result<> unmap_grant(Unmap const &);
Result<> copy_grant(gnttab_copy const &);

// --- grant_table.cpp: the frames of the table
grant_entry_v1 *map_grant_entry(GrantTable const &, grant_ref_t);  // precondition: within the table. To be unmapped
void unmap_grant_entry(grant_entry_v1 *);
inline bool within(GrantTable const &t, grant_ref_t r) { return r / grants_per_frame < t.frame_count; }
// The frames of a table for a toolstack to map; grows it.
Result<Mfn> grant_frame(Domain &, unsigned index);

// The GNTST_* that tells of an error.
std::int16_t grant_status(Error);
}  // namespace hv
