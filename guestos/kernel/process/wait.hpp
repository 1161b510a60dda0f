// SPDX-License-Identifier: MIT
// Sleeping and waking. The kernel is not preempted: between testing a condition and sleeping only an interrupt can intervene,
// so the test runs with interrupts off.
#pragma once
#include <arch/clock.hpp>
#include <arch/irq.hpp>
#include <boost/intrusive/list.hpp>
#include <lib/result.hpp>

namespace kernel {
class Thread;

struct Waiter : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    Thread *thread = nullptr;
    void (*notify)(Waiter &) = nullptr;  // nullptr: wake `thread`; epoll and others hook themselves in here
};

class WaitQueue {
public:
    void wake_all();  // callable from interrupt handlers
    void wake_one();
    bool empty() const { return waiters_.empty(); }
    void add(Waiter &w) { waiters_.push_back(w); }

private:
    boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiters_;
};

enum class Sleep { interruptible, uninterruptible, killable };

// schedule.cpp: one sleep; spurious returns are allowed. Error::restart_sys: a signal (interruptible); Error::timedout.
Result<> sleep_on(WaitQueue &, Waiter &, Sleep, std::uint64_t deadline_ns);

// Blocks until condition() holds. Interrupts are off while it is evaluated.
template <class Condition>
Result<> wait_until(WaitQueue &queue, Condition condition, Sleep how = Sleep::interruptible,
                    std::uint64_t deadline_ns = arch::no_deadline)
{
    for (;;) {
        arch::IrqGuard guard;
        if (condition())
            return {};
        Waiter waiter;
        auto slept = sleep_on(queue, waiter, how, deadline_ns);
        if (!slept.ok())
            return condition() ? Result<>{} : slept;
    }
}

// A lock that a thread may sleep under: protects one object's invariants across blocking calls (I/O, user copies).
class Mutex {
public:
    void lock();
    void unlock();
    bool held() const { return owner_ != nullptr; }

private:
    Thread *owner_ = nullptr;
    WaitQueue queue_;
};
class [[nodiscard]] MutexGuard {
public:
    explicit MutexGuard(Mutex &m) : mutex_{m} { mutex_.lock(); }
    ~MutexGuard() { mutex_.unlock(); }
    MutexGuard(MutexGuard const &) = delete;
    MutexGuard &operator=(MutexGuard const &) = delete;

private:
    Mutex &mutex_;
};
}  // namespace kernel
