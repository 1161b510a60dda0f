// SPDX-License-Identifier: MIT
#include <kernel/lazy.hpp>
#include <kernel/memory/address_space.hpp>
#include <kernel/memory/user.hpp>
#include <kernel/process/futex.hpp>
#include <kernel/process/process.hpp>

namespace kernel {
namespace {
constinit Lazy<FutexTable> table;
}

FutexTable &futex_table() { return *table; }

// Knuth's multiplicative hash: neighbouring words and pages spread over the buckets.
unsigned futex_bucket(FutexKey const &key)
{
    auto mix = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(key.where)) >> 4;
    mix = (mix + key.page) * 2654435761u + (key.offset >> 2);
    return (mix * 2654435761u) >> 26;
}
static_assert(futex_buckets == 1u << (32 - 26));

unsigned FutexTable::wake(FutexKey const &key, unsigned limit, std::uint32_t bitset)
{
    unsigned woken = 0;
    Bucket &bucket = buckets_[futex_bucket(key)];
    for (auto at = bucket.begin(); at != bucket.end() && woken < limit;) {
        FutexWaiter &w = *at++;
        if (w.key != key || !(w.bitset & bitset))
            continue;
        w.unlink();
        w.woken = true;
        w.queue.wake_all();
        ++woken;
    }
    return woken;
}

unsigned FutexTable::requeue(FutexKey const &from, FutexKey const &to, unsigned wake_limit, unsigned move_limit,
                             unsigned &moved)
{
    unsigned woken = wake(from, wake_limit);
    moved = 0;
    if (from == to)
        return woken;
    Bucket &bucket = buckets_[futex_bucket(from)];
    for (auto at = bucket.begin(); at != bucket.end() && moved < move_limit;) {
        FutexWaiter &w = *at++;
        if (w.key != from)
            continue;
        w.unlink();
        w.key = to;
        add(w);
        ++moved;
        // When both keys share the bucket, what was moved is at its end with another key: no endless loop.
    }
    return woken;
}

Result<FutexKey> futex_key(Vaddr address, bool private_mapping)
{
    if (address.raw() & 3)
        return Error::inval;
    if (!user_range_ok(address, 4))
        return Error::fault;
    AddressSpace &space = *current().memory;
    FutexKey key{&space, address.raw() >> page_shift, page_offset(address)};
    if (private_mapping)
        return key;
    Region const *region = space.regions().find(address);
    if (!region)
        return Error::fault;
    if (region->has(Region::shared) && region->object) {
        key.where = region->object.get();
        key.page = region->index_at(address);
    }
    return key;
}

unsigned wake_futex(Vaddr address, unsigned limit)
{
    auto key = futex_key(address, false);
    return key.ok() ? futex_table().wake(key.value(), limit) : 0;
}
}  // namespace kernel
