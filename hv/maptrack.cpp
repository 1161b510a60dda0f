// SPDX-License-Identifier: MIT
// Map entries: which grants of others a domain has mapped. In chunks of 64, made as they are needed, up to the domain's limit.
#include <hv/grant.hpp>
#include <hv/state.hpp>

namespace hv {
namespace {

constexpr unsigned chunk = GrantTable::map_chunk;

MapEntry &entry_at(GrantTable &t, grant_handle_t h) { return t.map_chunks[h / chunk][h % chunk]; }

Result<> add_chunk(Domain &d)
{
    GrantTable &t = *d.grants;
    if (t.map_count >= t.map_limit)
        return Error::nospc;
    if (!t.map_chunks)
        t.map_chunks = static_cast<MapEntry **>(allocate_state(d, t.map_limit / chunk * sizeof(MapEntry *)));
    if (!t.map_chunks)
        return Error::nospc;
    auto *entries = static_cast<MapEntry *>(allocate_state(d, chunk * sizeof(MapEntry)));
    if (!entries)
        return Error::nospc;
    t.map_chunks[t.map_count / chunk] = entries;
    for (unsigned i = 0; i < chunk; ++i)
        entries[i].reference = i + 1 < chunk ? t.map_count + i + 1 : t.first_free;
    t.first_free = t.map_count;
    t.map_count += chunk;
    return {};
}

}  // namespace

// What it names is in use only when its serial is set.
Result<grant_handle_t> take_handle(Domain &d)
{
    GrantTable &t = *d.grants;
    if (t.first_free == ~0u)
        TRY(add_chunk(d));
    grant_handle_t h = t.first_free;
    t.first_free = entry_at(t, h).reference;
    return h;
}

MapEntry *map_entry(Domain &d, grant_handle_t h)
{
    GrantTable &t = *d.grants;
    if (h >= t.map_count)
        return nullptr;
    MapEntry &e = entry_at(t, h);
    return e.serial ? &e : nullptr;
}

void use_handle(Domain &d, grant_handle_t h, MapEntry const &e) { entry_at(*d.grants, h) = e; }

void put_handle(Domain &d, grant_handle_t h)
{
    GrantTable &t = *d.grants;
    entry_at(t, h) = {0, t.first_free, no_mfn, 0, 0};
    t.first_free = h;
}

}  // namespace hv
