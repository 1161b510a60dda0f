// SPDX-License-Identifier: MIT
// A named lock. One physical processor today: the hypervisor runs with interrupts off and is never preempted, so taking a lock
// only checks that nobody holds it (a held lock here would be a deadlock on one processor and a bug on many).
#pragma once
#include <lib/panic.hpp>

namespace hv {
class Lock {
public:
    void lock()
    {
        ASSERT(!held_);
        held_ = true;
    }
    void unlock()
    {
        ASSERT(held_);
        held_ = false;
    }
    bool held() const { return held_; }

private:
    bool held_ = false;
};

class [[nodiscard]] LockGuard {
public:
    explicit LockGuard(Lock &lock) : lock_{lock} { lock_.lock(); }
    ~LockGuard() { lock_.unlock(); }
    LockGuard(LockGuard const &) = delete;
    LockGuard &operator=(LockGuard const &) = delete;

private:
    Lock &lock_;
};
}  // namespace hv
