// SPDX-License-Identifier: MIT
// Sending: what happens at once (stop and continue signals cancel each other, SIGKILL), what is dropped, and who is woken.
#include <kernel/process/pid_table.hpp>
#include <kernel/process/schedule.hpp>
#include <kernel/process/signal_state.hpp>

namespace kernel {
SignalInfo SignalInfo::user(int signo)
{
    SignalInfo info;
    info.signo = signo;
    info.code = si_user;
    Thread &self = current();
    info.rt.pid = self.process ? self.process->pid : 0;
    info.rt.uid = self.credentials.uid;
    return info;
}

SignalInfo SignalInfo::kernel(int signo)
{
    SignalInfo info;
    info.signo = signo;
    info.code = si_kernel;
    return info;
}

DefaultAction default_action(int signo)
{
    SignalSet bit = signal_bit(signo);
    constexpr SignalSet core = synchronous_signals | signal_bit(sig_quit) | signal_bit(sig_abrt) | signal_bit(sig_xcpu)
        | signal_bit(sig_xfsz);
    if (bit & ignored_by_default)
        return DefaultAction::ignore;
    if (bit & stop_signals)
        return DefaultAction::stop;
    return bit & core ? DefaultAction::core : DefaultAction::terminate;
}

bool signal_ignored(Process &p, int signo)
{
    std::uint32_t handler = p.handlers->action[signo - 1].handler;
    return handler == handler_ignore || (handler == handler_default && (signal_bit(signo) & ignored_by_default));
}

SignalSet pending_signals(Thread const &t)
{
    return t.signals.pending.set | (t.process ? t.process->shared_signals.pending.set : 0);
}

bool signal_pending(Thread const &t)
{
    if (!t.process)
        return false;
    if (t.must_exit || t.process->stop_requested)
        return true;
    SignalSet pending = pending_signals(t);  // mostly none
    return pending && (pending & (~t.signals.mask | t.signals.waited_for));
}

bool fatal_signal_pending(Thread const &t) { return t.must_exit; }

void begin_group_exit(Process &p, int status)
{
    arch::IrqGuard guard;
    if (!p.exiting) {
        p.exiting = true;
        p.exit_status = status;
    }
    p.stop_requested = false;
    for (Thread &t : p.threads) {
        if (t.state == ThreadState::zombie || t.state == ThreadState::dead)
            continue;
        t.must_exit = true;
        wake_from_stop(t);
        if (t.killable)
            wake(t);
    }
}

namespace {
bool wants(Thread const &t, SignalSet bit)
{
    if (t.must_exit || t.state == ThreadState::zombie || t.state == ThreadState::dead)
        return false;
    return (bit & (~t.signals.mask | t.signals.waited_for)) != 0;
}

void wake_for_signal(Thread &t)
{
    if (t.interruptible)
        wake(t);
}

void choose_and_wake(Process &p, SignalSet bit)
{
    if (p.leader && wants(*p.leader, bit))
        return wake_for_signal(*p.leader);
    for (Thread &t : p.threads)
        if (wants(t, bit))
            return wake_for_signal(t);
}

// A signal that nobody has blocked and that is ignored never becomes pending. Init ignores what it does not handle, so that
// the system cannot lose it; only its own faults end it.
bool dropped(Process &p, Thread *target, SignalSet bit, int signo)
{
    Thread *judge = target ? target : p.leader;
    if (judge && (bit & (judge->signals.mask | judge->signals.waited_for)))
        return false;
    if (p.is_init() && p.handlers->action[signo - 1].handler == handler_default)
        return !(judge && (judge->signals.forced & bit));
    return signal_ignored(p, signo);
}

void discard_everywhere(Process &p, SignalSet signals)
{
    discard_queued(p.shared_signals.pending, signals);
    for (Thread &t : p.threads)
        discard_queued(t.signals.pending, signals);
}
}  // namespace

Result<> send_signal_from(Process &p, Thread *target, SignalInfo const &info, QueuedSignal *own)
{
    arch::IrqGuard guard;
    int signo = info.signo;
    SignalSet bit = signal_bit(signo);
    if (p.zombie || p.exiting || !p.handlers)
        return {};
    if (signo == sig_cont) {
        discard_everywhere(p, stop_signals);
        continue_process(p);
    } else if (bit & stop_signals) {
        discard_everywhere(p, signal_bit(sig_cont));
    }
    if (dropped(p, target, bit, signo))
        return {};
    if (signo == sig_kill) {
        begin_group_exit(p, sig_kill);
        return {};
    }
    auto &pending = target ? target->signals.pending : p.shared_signals.pending;
    auto queued = queue_signal(pending, info, own);
    if (queued == Queued::no_room && signo >= sig_rtmin && info.code != si_user && info.code != si_kernel)
        return Error::again;
    if (!target)
        choose_and_wake(p, bit);
    else if (wants(*target, bit))
        wake_for_signal(*target);
    p.shared_signals.arrived.wake_all();
    return {};
}

Result<> send_signal(Process &p, SignalInfo const &info) { return send_signal_from(p, nullptr, info); }

Result<> send_signal(Thread &t, SignalInfo const &info)
{
    if (!t.process)
        return Error::perm;
    return send_signal_from(*t.process, &t, info);
}

void send_signal(ProcessGroup &group, SignalInfo const &info)
{
    arch::IrqGuard guard;
    for (PidEntry *e = pid_table().after(0); e; e = pid_table().after(e->number))
        if (e->process && e->process->group.get() == &group)
            (void)send_signal_from(*e->process, nullptr, info);
}

void force_signal(Thread &t, SignalInfo const &info)
{
    refill_signal_pool();
    arch::IrqGuard guard;
    SignalSet bit = signal_bit(info.signo);
    SignalAction &action = t.process->handlers->action[info.signo - 1];
    if ((t.signals.mask & bit) || action.handler == handler_ignore)
        action.handler = handler_default;
    t.signals.mask &= ~bit;
    t.signals.forced |= bit;
    (void)send_signal_from(*t.process, &t, info);
}

// kill(2): the same session may always be continued.
bool may_signal(Credentials const &from, Credentials const &to)
{
    constexpr unsigned cap_kill = 5;
    return from.euid == to.suid || from.euid == to.uid || from.uid == to.suid || from.uid == to.uid
        || from.has_cap(cap_kill);
}

bool may_send(Credentials const &sender, Process &target, int signo)
{
    if (!target.leader)
        return false;
    if (may_signal(sender, target.leader->credentials))
        return true;
    auto const &mine = current_process().group->session;
    return signo == sig_cont && target.group && target.group->session == mine;
}
}  // namespace kernel
