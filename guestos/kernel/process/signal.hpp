// SPDX-License-Identifier: MIT
// Signals: signal(7) with Linux's numbers, 64 of them, real-time ones queued.
#pragma once
#include <cstdint>
#include <kernel/process/wait.hpp>
#include <kernel/ref.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace kernel {
class Process;
class Thread;
struct ProcessGroup;

enum Signal : int {
    sig_hup = 1,
    sig_int,
    sig_quit,
    sig_ill,
    sig_trap,
    sig_abrt,
    sig_bus,
    sig_fpe,
    sig_kill,
    sig_usr1,
    sig_segv,
    sig_usr2,
    sig_pipe,
    sig_alrm,
    sig_term,
    sig_stkflt,
    sig_chld,
    sig_cont,
    sig_stop,
    sig_tstp,
    sig_ttin,
    sig_ttou,
    sig_urg,
    sig_xcpu,
    sig_xfsz,
    sig_vtalrm,
    sig_prof,
    sig_winch,
    sig_io,
    sig_pwr,
    sig_sys,
    sig_rtmin,
    last_signal = 64,
};
// si_code, from asm-generic/siginfo.h (whose header collides with libstdc++'s signal types).
enum SignalCode : int {
    si_user = 0,
    si_kernel = 0x80,
    si_queue = -1,
    si_timer = -2,
    si_mesgq = -3,
    si_asyncio = -4,
    si_sigio = -5,
    si_tkill = -6,
    ill_illopn = 2,
    fpe_intdiv = 1,
    fpe_fltdiv = 3,
    fpe_fltovf = 4,
    fpe_fltund = 5,
    fpe_fltres = 6,
    fpe_fltinv = 7,
    segv_maperr = 1,
    segv_accerr = 2,
    bus_adraln = 1,
    bus_adrerr = 2,
    trap_brkpt = 1,
    trap_trace = 2,
    cld_exited = 1,
    cld_killed = 2,
    cld_dumped = 3,
    cld_trapped = 4,
    cld_stopped = 5,
    cld_continued = 6,
};
enum SignalFlag : std::uint32_t {  // sa_flags
    sa_nocldstop = 1,
    sa_nocldwait = 2,
    sa_siginfo = 4,
    sa_restorer = 0x0400'0000,
    sa_onstack = 0x0800'0000,
    sa_restart = 0x1000'0000,
    sa_nodefer = 0x4000'0000,
    sa_resethand = 0x8000'0000,
};
inline constexpr std::uint32_t handler_default = 0, handler_ignore = 1;

using SignalSet = std::uint64_t;  // bit n-1: signal n
constexpr SignalSet signal_bit(int n) { return 1ull << (n - 1); }

// siginfo_t as the i386 kernel lays it out: 128 bytes.
struct SignalInfo {
    std::int32_t signo = 0, error = 0, code = 0;
    union {
        std::int32_t pad[29];
        struct {
            std::int32_t pid;
            std::uint32_t uid;
            std::uint32_t value;
        } rt;  // SI_USER, SI_QUEUE
        struct {
            std::int32_t pid;
            std::uint32_t uid;
            std::int32_t status, utime, stime;
        } child;
        struct {
            std::uint32_t address;
        } fault;
        struct {
            std::int32_t timer_id, overrun;
            std::uint32_t value;
        } timer;
        struct {
            std::int32_t band, fd;
        } poll;
    };
    SignalInfo() : pad{} {}
    static SignalInfo user(int signo);    // from the running process, SI_USER
    static SignalInfo kernel(int signo);  // SI_KERNEL
};
static_assert(sizeof(SignalInfo) == 128);

inline constexpr SignalSet unblockable_signals = signal_bit(sig_kill) | signal_bit(sig_stop);
inline constexpr SignalSet stop_signals = signal_bit(sig_stop) | signal_bit(sig_tstp) | signal_bit(sig_ttin)
    | signal_bit(sig_ttou);
inline constexpr SignalSet ignored_by_default = signal_bit(sig_cont) | signal_bit(sig_chld) | signal_bit(sig_winch)
    | signal_bit(sig_urg);
inline constexpr SignalSet synchronous_signals = signal_bit(sig_segv) | signal_bit(sig_bus) | signal_bit(sig_ill)
    | signal_bit(sig_trap) | signal_bit(sig_fpe) | signal_bit(sig_sys);

struct SignalAction {           // struct kernel sigaction of i386, in our order
    std::uint32_t handler = 0;  // 0 SIG_DFL, 1 SIG_IGN
    std::uint32_t flags = 0, restorer = 0;
    SignalSet mask = 0;
};
struct SignalHandlers : RefCounted {
    SignalAction action[64];
};
struct QueuedSignal;  // signal_queue.hpp
struct PendingSignals {
    SignalSet set = 0;
    QueuedSignal *queue = nullptr;  // siginfo of queued ones, in order
};
struct SignalState {
    SignalSet mask = 0, saved_mask = 0;  // saved: sigsuspend, ppoll, pselect
    bool restore_saved_mask = false;
    SignalSet waited_for = 0;  // sigtimedwait: wake for these although they are blocked
    SignalSet forced = 0;      // faults: act on these even in init
    PendingSignals pending;
    std::uint32_t stack_base = 0, stack_bytes = 0, stack_flags = 2;  // SS_DISABLE
};
struct SharedSignalState {
    PendingSignals pending;
    WaitQueue arrived;  // signalfd(2): woken for each signal sent to the process
};

Result<> send_signal(Process &, SignalInfo const &);  // to any thread that does not block it; callable from interrupts
Result<> send_signal(Thread &, SignalInfo const &);
void send_signal(ProcessGroup &, SignalInfo const &);
void force_signal(Thread &, SignalInfo const &);  // faults: unblocks and resets to default if blocked or ignored
bool signal_pending(Thread const &);              // one that is not blocked
bool signal_ignored(Process &, int signo);        // ignored, by default or by choice
bool fatal_signal_pending(Thread const &);        // SIGKILL
// Takes the next signal of `wanted` that is pending for the running thread, thread-directed ones first: sigtimedwait, signalfd.
bool take_signal(SignalSet wanted, SignalInfo &out);
SignalSet pending_signals(Thread const &);  // thread's and process's
// Replaces the running thread's mask (SIGKILL and SIGSTOP stay unblocked). ..._until_return: the old mask comes back before
// ring 3 is reached, after any handler: sigsuspend, ppoll, pselect, epoll_pwait. Call restore_signal_mask() if no signal came.
void set_signal_mask(SignalSet);
void set_signal_mask_until_return(SignalSet);
void restore_signal_mask();
}  // namespace kernel
