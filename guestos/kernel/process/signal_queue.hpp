// SPDX-License-Identifier: MIT
// Pending signals: a set of bits, and the siginfo of those that have one. A standard signal is pending once, a real-time signal
// as often as it was sent, POSIX 2.4.1. All of it runs with interrupts off.
#pragma once
#include <kernel/process/signal.hpp>

namespace kernel {
struct QueuedSignal {
    SignalInfo info;
    QueuedSignal *next = nullptr;
    // A POSIX timer has one of its own: told when the signal is taken (it fills in the overrun count). nullptr: from the pool.
    void (*taken)(QueuedSignal &, SignalInfo &out) = nullptr;
    bool queued = false;
};

enum class Queued { yes, merged, no_room };  // no_room: only the bit is set, the siginfo is lost
// `own`: used in place of one from the pool.
Queued queue_signal(PendingSignals &, SignalInfo const &, QueuedSignal *own = nullptr);
bool take_queued(PendingSignals &, SignalSet wanted, SignalInfo &out);
void discard_queued(PendingSignals &, SignalSet);
void withdraw(PendingSignals &, QueuedSignal &);  // a timer that is deleted
// What POSIX leaves open and Linux does: faults first, then ascending order. 0: none.
int first_signal(SignalSet);
// Room for signals that interrupt handlers send: they cannot allocate. To be called now and then from process context.
void refill_signal_pool();
inline constexpr unsigned max_queued_signals = 8192;  // from which on no real-time signal is queued
}  // namespace kernel
