// SPDX-License-Identifier: MIT
// A grant table's own memory: the frames of entries, which the domain writes and the hypervisor reaches through the mapping window.
#include <hv/frames.hpp>
#include <hv/grant.hpp>
#include <hv/map.hpp>
#include <hv/state.hpp>

namespace hv {

Lock grant_lock;

namespace {

constexpr unsigned entries_per_maptrack_frame = page_size / sizeof(MapEntry);

unsigned limit(std::int32_t wanted, unsigned by_default, unsigned most)
{
    unsigned n = wanted < 0 ? by_default : static_cast<unsigned>(wanted);
    return n < most ? n : most;
}

std::size_t chunk_list_bytes(GrantTable const &t) { return t.map_limit / GrantTable::map_chunk * sizeof(MapEntry *); }

}  // namespace

Result<> create_grant_table(Domain &d, std::int32_t max_frames, std::int32_t max_maptrack_frames)
{
    auto *t = allocate_state<GrantTable>(d);
    if (!t)
        return Error::nomem;
    d.grants = t;
    unsigned maptrack = d.privileged ? default_control_maptrack_frames : default_maptrack_frames;
    t->frame_limit = limit(max_frames, grant_frame_limit, grant_frame_limit);
    t->map_limit = limit(max_maptrack_frames, maptrack, maptrack_frame_limit) * entries_per_maptrack_frame;
    return {};
}

Result<> grow_grant_table(Domain &d, unsigned frames)
{
    GrantTable &t = *d.grants;
    if (frames > t.frame_limit || d.dying)
        return Error::inval;
    for (; t.frame_count < frames; ++t.frame_count)
        t.frames[t.frame_count] = TRY(allocate_shared_frame(d));
    return {};
}

Result<Mfn> grant_frame(Domain &d, unsigned index)
{
    LockGuard guard{grant_lock};
    TRY(grow_grant_table(d, index + 1));
    return d.grants->frames[index];
}

void free_grant_table(Domain &d)
{
    GrantTable *t = d.grants;
    if (!t)
        return;
    // Others whose mappings are left find by the serial number that their granter is gone.
    for (unsigned i = 0; t->active && i < GrantTable::active_buckets; ++i)
        while (ActiveGrant *a = t->active[i]) {
            t->active[i] = a->next;
            free_state(d, a);
        }
    if (t->active)
        free_state(d, t->active, GrantTable::active_buckets * sizeof *t->active);
    for (unsigned i = 0; i < t->map_count / GrantTable::map_chunk; ++i)
        free_state(d, t->map_chunks[i], GrantTable::map_chunk * sizeof(MapEntry));
    if (t->map_chunks)
        free_state(d, t->map_chunks, chunk_list_bytes(*t));
    for (unsigned i = 0; i < t->frame_count; ++i)
        unshare_frame(frame_of(t->frames[i]));
    free_state(d, t);
    d.grants = nullptr;
}

grant_entry_v1 *map_grant_entry(GrantTable const &t, grant_ref_t r)
{
    return static_cast<grant_entry_v1 *>(map_frame(t.frames[r / grants_per_frame])) + r % grants_per_frame;
}

void unmap_grant_entry(grant_entry_v1 *e)
{
    unmap_frame(reinterpret_cast<void *>(reinterpret_cast<std::uintptr_t>(e) & ~std::uintptr_t{page_size - 1}));
}

}  // namespace hv
