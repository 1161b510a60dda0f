// SPDX-License-Identifier: MIT
// futex(2): waiting for a word of user memory.
//
// A word in a private mapping is known by its address space and address (copy-on-write may move it to another frame); one in a
// shared mapping by the object behind it and the place inside, so that processes meet.
#pragma once
#include <boost/intrusive/list.hpp>
#include <kernel/process/wait.hpp>
#include <lib/addr.hpp>

namespace kernel {
struct FutexKey {
    void const *where = nullptr;  // AddressSpace or MemoryObject
    std::uint32_t page = 0, offset = 0;
    friend bool operator==(FutexKey const &, FutexKey const &) = default;
};
unsigned futex_bucket(FutexKey const &);
inline constexpr unsigned futex_buckets = 64;

struct FutexWaiter : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    FutexKey key;
    std::uint32_t bitset = ~0u;
    bool woken = false;
    WaitQueue queue;
};

// The waiters of all futexes. Interrupts need not be off: only threads come here.
class FutexTable {
public:
    void add(FutexWaiter &w) { buckets_[futex_bucket(w.key)].push_back(w); }
    unsigned wake(FutexKey const &, unsigned limit, std::uint32_t bitset = ~0u);
    // Wakes up to `wake_limit`, then lets up to `move_limit` others wait for `to`. The number woken; `moved`: the others.
    unsigned requeue(FutexKey const &from, FutexKey const &to, unsigned wake_limit, unsigned move_limit, unsigned &moved);

private:
    using Bucket = boost::intrusive::list<FutexWaiter, boost::intrusive::constant_time_size<false>>;
    Bucket buckets_[futex_buckets];
};
FutexTable &futex_table();

// `private_mapping`: the caller says so, which saves the look at the regions. Error::inval: not aligned. Error::fault.
Result<FutexKey> futex_key(Vaddr, bool private_mapping);
unsigned wake_futex(Vaddr, unsigned limit);  // for the kernel's own wakes; never fails, never faults
}  // namespace kernel
