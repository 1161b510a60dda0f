// SPDX-License-Identifier: MIT
// The network lock and the network thread.
//
//   interrupt --request_poll()--> poll list --.
//   timer ------------------------------------ net thread: poll each interface (a budget each), timers --> unlock: drain
//   system call: lock, lwIP, unlock: drain (loopback delivers here, in the sender's own time)
//
// While packets arrive faster than they are served, the thread gives up its precedence over programs: a flood costs them at most
// their fair half.
#include <arch/irq.hpp>
#include <kernel/lazy.hpp>
#include <kernel/net/device.hpp>
#include <kernel/net/lock.hpp>
#include <kernel/net/parts.hpp>
#include <kernel/net/thread.hpp>
#include <kernel/process/process.hpp>
#include <kernel/process/schedule.hpp>

namespace kernel::net {
namespace {
constexpr unsigned poll_budget = 64;   // packets of one interface in a turn
constexpr unsigned patient_turns = 4;  // turns in a row with a full budget before programs get their share
constexpr unsigned drain_rounds = 8;   // packets to oneself cause more of them: the rest is the thread's
constexpr int policy_other = 0, policy_fifo = 1;

constinit Lazy<Mutex> core;
constinit Thread *core_owner = nullptr;
constinit NetDevice *dirty_devices = nullptr;
constinit Thread *worker = nullptr;
constinit Lazy<WaitQueue> work_queue;
constinit bool timer_news = false;
}  // namespace

// The interfaces whose drivers asked for the thread: interrupts add to it.
struct PollList {
    static inline constinit NetDevice *first = nullptr, *last = nullptr;
    static bool add(NetDevice &d)
    {
        arch::IrqGuard guard;
        if (d.poll_wanted_)
            return false;
        d.poll_wanted_ = true;
        d.next_poll_ = nullptr;
        (last ? last->next_poll_ : first) = &d;
        last = &d;
        return true;
    }
    static NetDevice *take()
    {
        arch::IrqGuard guard;
        auto d = first;
        if (!d)
            return nullptr;
        first = d->next_poll_;
        if (!first)
            last = nullptr;
        d->poll_wanted_ = false;
        return d;
    }
    static void remove(NetDevice &gone)
    {
        arch::IrqGuard guard;
        NetDevice *all = first;
        first = last = nullptr;
        for (auto d = all; d;) {
            auto next = d->next_poll_;
            d->poll_wanted_ = false;
            if (d != &gone)
                (void)add(*d);
            d = next;
        }
    }
    static void mark_dirty(NetDevice &d)
    {
        d.next_dirty_ = dirty_devices;
        dirty_devices = &d;
    }
    static void drain_all()
    {
        for (unsigned i = 0; dirty_devices && i < drain_rounds; ++i) {
            auto d = std::exchange(dirty_devices, nullptr);
            while (d) {
                auto next = d->next_dirty_;
                d->drain();
                d = next;
            }
        }
    }
    static void forget_dirty(NetDevice &gone)
    {
        for (auto at = &dirty_devices; *at; at = &(*at)->next_dirty_)
            if (*at == &gone) {
                *at = gone.next_dirty_;
                gone.dirty_ = false;
                return;
            }
    }
};

Guard::Guard()
{
    core->lock();
    core_owner = &current();
}

Guard::~Guard()
{
    PollList::drain_all();
    bool news = std::exchange(timer_news, false);
    core_owner = nullptr;
    core->unlock();
    if (news || dirty_devices)
        work_queue->wake_all();
}

bool locked_by_this_thread() { return core_owner == &current(); }
void schedule_drain(NetDevice &d) { PollList::mark_dirty(d); }
void timers_changed() { timer_news = true; }

void schedule_poll(NetDevice &d)
{
    if (PollList::add(d))
        work_queue->wake_all();
}

void forget_scheduled(NetDevice &d)
{
    PollList::remove(d);
    PollList::forget_dirty(d);
}

void NetDevice::request_poll() { schedule_poll(*this); }

namespace {
// One turn for each interface that asked. True: some have more.
bool poll_devices()
{
    bool more = false;
    NetDevice *const end = PollList::last;
    for (;;) {
        auto d = PollList::take();
        if (!d)
            return more;
        if (d->poll(poll_budget) >= poll_budget) {
            schedule_poll(*d);
            more = true;
        }
        if (d == end)
            return more;
    }
}

void serve(void *)
{
    unsigned busy_turns = 0;
    bool yielding = false;
    for (;;) {
        std::uint64_t deadline;
        {
            Guard guard;
            deadline = next_timer_ns();
        }
        auto work = [] { return PollList::first || dirty_devices || timer_news; };
        (void)wait_until(*work_queue, work, Sleep::uninterruptible, deadline);
        bool more;
        {
            // Input goes before timers: after a pause the acknowledgments that wait here are not missed ones.
            Guard guard;
            timer_news = false;
            more = poll_devices();
            run_timers(arch::now_ns());
        }
        busy_turns = more ? busy_turns + 1 : 0;
        if ((busy_turns > patient_turns) != yielding) {
            yielding = !yielding;
            set_policy(current(), yielding ? policy_other : policy_fifo, yielding ? 0 : 50, 0);
        }
        if (current().need_resched)
            yield();
    }
}
}  // namespace

void start_net_thread()
{
    auto started = start_kernel_thread("net", serve, nullptr);
    if (!started.ok())
        panic("no memory for the network thread");
    worker = started.value().get();
    set_policy(*worker, policy_fifo, 50, 0);
}
}  // namespace kernel::net
