// SPDX-License-Identifier: MIT
#include <kernel/process/process.hpp>
#include <kernel/process/schedule.hpp>
#include <kernel/process/wait.hpp>
#include <kernel/time/timer.hpp>

namespace kernel {
// A thread's waiter is taken off the queue when it is woken, so that the next wake_one() finds the next thread; a waiter with
// a callback stays until its owner removes it.
void WaitQueue::wake_all()
{
    arch::IrqGuard guard;
    for (auto at = waiters_.begin(); at != waiters_.end();) {
        Waiter &w = *at++;
        if (w.notify) {
            w.notify(w);
        } else {
            w.unlink();
            wake(*w.thread);
        }
    }
}

void WaitQueue::wake_one()
{
    arch::IrqGuard guard;
    for (auto at = waiters_.begin(); at != waiters_.end();) {
        Waiter &w = *at++;
        if (w.notify) {
            w.notify(w);
            continue;
        }
        w.unlink();
        wake(*w.thread);
        return;
    }
}

namespace {
bool interrupted(Thread const &t, Sleep how)
{
    switch (how) {
    case Sleep::interruptible: return signal_pending(t);
    case Sleep::killable: return fatal_signal_pending(t);
    case Sleep::uninterruptible: break;
    }
    return false;
}
}  // namespace

Result<> sleep_on(WaitQueue &queue, Waiter &waiter, Sleep how, std::uint64_t deadline_ns)
{
    arch::IrqGuard guard;
    Thread &self = current();
    ASSERT(&self != this_cpu().idle);
    if (interrupted(self, how))
        return Error::restart_sys;
    if (deadline_ns != arch::no_deadline && arch::now_ns() >= deadline_ns)
        return Error::timedout;

    waiter.thread = &self;
    waiter.notify = nullptr;
    queue.add(waiter);
    Timer timer{[](Timer &t) { wake(*static_cast<Thread *>(t.context)); }, &self};
    if (deadline_ns != arch::no_deadline)
        timer.arm(deadline_ns);
    self.state = ThreadState::sleeping;
    self.interruptible = how == Sleep::interruptible;
    self.killable = how != Sleep::uninterruptible;
    schedule();
    bool woken = !waiter.is_linked();
    waiter.unlink();
    if (woken)
        return {};
    if (interrupted(self, how))
        return Error::restart_sys;
    if (deadline_ns != arch::no_deadline && arch::now_ns() >= deadline_ns)
        return Error::timedout;
    return {};
}

void Mutex::lock()
{
    ASSERT(owner_ != &current());
    (void)wait_until(
        queue_, [this] { return owner_ == nullptr; }, Sleep::uninterruptible);
    owner_ = &current();
}

void Mutex::unlock()
{
    ASSERT(owner_ == &current());
    owner_ = nullptr;
    queue_.wake_one();
}
}  // namespace kernel
