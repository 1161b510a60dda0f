// SPDX-License-Identifier: MIT
#include <arch/irq.hpp>
#include <bit>
#include <kernel/process/signal_queue.hpp>
#include <new>

namespace kernel {
namespace {
constexpr unsigned reserve = 64;
QueuedSignal *pool;
unsigned pool_size, in_use;

// Real-time signals are limited in number. Standard ones are so by nature, since each is pending once: a fault's siginfo is not lost.
// si_code decides nothing: a program may send itself any.
QueuedSignal *from_pool(SignalInfo const &info)
{
    if (info.signo >= sig_rtmin && in_use >= max_queued_signals)
        return nullptr;
    QueuedSignal *q = pool;
    if (!q)
        return nullptr;
    pool = q->next;
    --pool_size;
    ++in_use;
    q->taken = nullptr;
    return q;
}

void to_pool(QueuedSignal *q)
{
    q->next = pool;
    pool = q;
    ++pool_size;
    --in_use;
}

void append(PendingSignals &pending, QueuedSignal *q)
{
    QueuedSignal **tail = &pending.queue;
    while (*tail)
        tail = &(*tail)->next;
    q->next = nullptr;
    q->queued = true;
    *tail = q;
}

// Takes the first entry of `signo` out; `more`: another one is left.
QueuedSignal *detach(PendingSignals &pending, int signo, bool &more)
{
    QueuedSignal *found = nullptr;
    more = false;
    for (QueuedSignal **at = &pending.queue; *at;) {
        QueuedSignal *q = *at;
        if (q->info.signo == signo && found) {
            more = true;
            break;
        }
        if (q->info.signo == signo) {
            found = q;
            *at = q->next;
            q->queued = false;
        } else {
            at = &q->next;
        }
    }
    return found;
}
}  // namespace

void refill_signal_pool()
{
    while (pool_size < reserve) {
        auto *q = new (std::nothrow) QueuedSignal;
        if (!q)
            return;
        arch::IrqGuard guard;
        q->next = pool;
        pool = q;
        ++pool_size;
    }
}

int first_signal(SignalSet set)
{
    if (set & synchronous_signals)
        set &= synchronous_signals;
    return set ? std::countr_zero(set) + 1 : 0;
}

Queued queue_signal(PendingSignals &pending, SignalInfo const &info, QueuedSignal *own)
{
    SignalSet bit = signal_bit(info.signo);
    if (info.signo < sig_rtmin && (pending.set & bit))
        return Queued::merged;
    pending.set |= bit;
    QueuedSignal *q = own ? own : from_pool(info);
    if (!q)
        return Queued::no_room;
    q->info = info;
    append(pending, q);
    return Queued::yes;
}

bool take_queued(PendingSignals &pending, SignalSet wanted, SignalInfo &out)
{
    int signo = first_signal(pending.set & wanted);
    if (signo == 0)
        return false;
    bool more;
    QueuedSignal *q = detach(pending, signo, more);
    if (!more)
        pending.set &= ~signal_bit(signo);
    if (!q) {  // there was no room for its siginfo: SI_USER from nobody
        out = SignalInfo{};
        out.signo = signo;
        return true;
    }
    out = q->info;
    if (q->taken)
        q->taken(*q, out);
    else
        to_pool(q);
    return true;
}

void discard_queued(PendingSignals &pending, SignalSet signals)
{
    pending.set &= ~signals;
    for (QueuedSignal **at = &pending.queue; *at;) {
        QueuedSignal *q = *at;
        if (!(signal_bit(q->info.signo) & signals)) {
            at = &q->next;
            continue;
        }
        *at = q->next;
        q->queued = false;
        if (!q->taken)
            to_pool(q);
    }
}

void withdraw(PendingSignals &pending, QueuedSignal &which)
{
    bool more = false;
    for (QueuedSignal **at = &pending.queue; *at;) {
        QueuedSignal *q = *at;
        if (q == &which) {
            *at = q->next;
            q->queued = false;
            continue;
        }
        more = more || q->info.signo == which.info.signo;
        at = &q->next;
    }
    if (!more)
        pending.set &= ~signal_bit(which.info.signo);
}
}  // namespace kernel
