// SPDX-License-Identifier: MIT
// Signals: signal(7) with Linux's numbers, 64 of them, real-time ones queued.
#pragma once
#include <cstdint>
#include <kernel/ref.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace kernel {
class Process;
class Thread;
struct ProcessGroup;

using SignalSet = std::uint64_t;               // bit n-1: signal n
constexpr SignalSet signal_bit(int n) { return 1ull << (n - 1); }

// siginfo_t as the i386 kernel lays it out: 128 bytes.
struct SignalInfo {
    std::int32_t signo = 0, error = 0, code = 0;
    union {
        std::int32_t pad[29];
        struct { std::int32_t pid; std::uint32_t uid; std::uint32_t value; } rt;          // SI_USER, SI_QUEUE
        struct { std::int32_t pid; std::uint32_t uid; std::int32_t status, utime, stime; } child;
        struct { std::uint32_t address; } fault;
        struct { std::int32_t timer_id, overrun; std::uint32_t value; } timer;
        struct { std::int32_t band, fd; } poll;
    };
    SignalInfo() : pad{} {}
    static SignalInfo user(int signo);                     // from the running process, SI_USER
    static SignalInfo kernel(int signo);                   // SI_KERNEL
};
static_assert(sizeof(SignalInfo) == 128);

struct SignalAction {                                      // struct kernel sigaction of i386, in our order
    std::uint32_t handler = 0;                             // 0 SIG_DFL, 1 SIG_IGN
    std::uint32_t flags = 0, restorer = 0;
    SignalSet mask = 0;
};
struct SignalHandlers : RefCounted {
    SignalAction action[64];
};
struct QueuedSignal;
struct PendingSignals {
    SignalSet set = 0;
    QueuedSignal *queue = nullptr;                         // siginfo of queued ones, in order
};
struct SignalState {
    SignalSet mask = 0, saved_mask = 0;                    // saved: sigsuspend, ppoll, pselect
    bool restore_saved_mask = false;
    PendingSignals pending;
    std::uint32_t stack_base = 0, stack_bytes = 0, stack_flags = 2;    // SS_DISABLE
};
struct SharedSignalState {
    PendingSignals pending;
};

Result<> send_signal(Process &, SignalInfo const &);       // to any thread that does not block it; callable from interrupts
Result<> send_signal(Thread &, SignalInfo const &);
void send_signal(ProcessGroup &, SignalInfo const &);
void force_signal(Thread &, SignalInfo const &);           // faults: unblocks and resets to default if blocked or ignored
bool signal_pending(Thread const &);                       // one that is not blocked
bool signal_ignored(Process &, int signo);                 // ignored, by default or by choice
bool fatal_signal_pending(Thread const &);                 // SIGKILL
}    // namespace kernel
