// SPDX-License-Identifier: MIT
#include <arch/clock.hpp>
#include <kernel/process/signal_state.hpp>
#include <kernel/process/usage.hpp>
#include <kernel/time/clock.hpp>
#include <kernel/time/process_timers.hpp>

namespace kernel {
namespace {
void real_timer_expired(Timer &t)
{
    auto &timers = *static_cast<ProcessTimers *>(t.context);
    (void)send_signal(timers.process, SignalInfo::kernel(sig_alrm));
    if (timers.real_interval_ns == 0)
        return;
    auto now = arch::now_ns(), next = t.deadline() + timers.real_interval_ns;
    if (next <= now)
        next += ((now - next) / timers.real_interval_ns + 1) * timers.real_interval_ns;
    t.arm(next);
}

void posix_timer_expired(Timer &t)
{
    auto &timer = *static_cast<PosixTimer *>(t.context);
    std::uint64_t periods = 1;
    if (timer.interval_ns) {
        auto now = arch::now_ns();
        if (now > t.deadline())
            periods += (now - t.deadline()) / timer.interval_ns;
        t.arm(t.deadline() + periods * timer.interval_ns);
    }
    timer.fire(periods);
}

void signal_taken(QueuedSignal &q, SignalInfo &out)
{
    PosixTimer &timer = *static_cast<TimerSignal &>(q).timer;
    timer.reported_overrun = timer.overrun;
    timer.overrun = 0;
    out.timer.overrun = static_cast<std::int32_t>(timer.reported_overrun);
}
}  // namespace

PosixTimer::PosixTimer(Process &p, std::int32_t id_, std::int32_t clock_)
    : id{id_}, clock{clock_}, process{p}, timer{posix_timer_expired, this}
{
    signal.timer = this;
    signal.taken = signal_taken;
}

// One signal is pending at a time; expirations that find it pending are counted, timer_getoverrun(2).
void PosixTimer::fire(std::uint64_t periods)
{
    constexpr std::uint32_t most = 0x7fff'ffff;  // DELAYTIMER_MAX
    if (silent || (thread_directed && !target))
        return;
    bool pending = signal.queued;
    auto missed = pending ? periods : periods - 1;
    overrun = missed > most - overrun ? most : overrun + static_cast<std::uint32_t>(missed);
    if (pending)
        return;
    SignalInfo info;
    info.signo = signo;
    info.code = si_timer;
    info.timer.timer_id = id;
    info.timer.value = value;
    (void)send_signal_from(process, target, info, &signal);
}

ProcessTimers::ProcessTimers(Process &p) : process{p}, real{real_timer_expired, this} {}

ProcessTimers::~ProcessTimers()
{
    arch::IrqGuard guard;
    posix.clear_and_dispose([this](PosixTimer *t) {
        withdraw(process.shared_signals.pending, t->signal);
        if (t->target)
            withdraw(t->target->signals.pending, t->signal);
        delete t;
    });
}

Result<ProcessTimers *> process_timers(Process &p)
{
    if (!p.timers)
        p.timers = new (std::nothrow) ProcessTimers{p};
    if (!p.timers)
        return Error::nomem;
    return p.timers;
}

void drop_process_timers(Process &p) { delete std::exchange(p.timers, nullptr); }

void drop_posix_timers(Process &p)
{
    if (!p.timers)
        return;
    arch::IrqGuard guard;
    p.timers->posix.clear_and_dispose([&](PosixTimer *t) {
        withdraw(p.shared_signals.pending, t->signal);
        if (t->target)
            withdraw(t->target->signals.pending, t->signal);
        delete t;
    });
}

void forget_thread_timers(Thread &t)
{
    if (!t.process->timers)
        return;
    arch::IrqGuard guard;
    for (PosixTimer &timer : t.process->timers->posix) {
        if (timer.target != &t)
            continue;
        withdraw(t.signals.pending, timer.signal);
        timer.target = nullptr;
    }
}

namespace {
// True: it expired; moves on to the next period that lies ahead. `periods`: how many have passed.
bool cpu_timer_due(std::uint64_t &expiry, std::uint64_t interval, std::uint64_t used, std::uint64_t &periods)
{
    if (expiry == 0 || used < expiry)
        return false;
    periods = interval ? (used - expiry) / interval + 1 : 1;
    expiry = interval ? expiry + periods * interval : 0;
    return true;
}

// RLIMIT_CPU: SIGXCPU at the soft limit and each second after it, SIGKILL at the hard one; setrlimit(2).
void check_cpu_limit(Process &p, std::uint64_t used_ns)
{
    auto const &limit = p.limits[limit_cpu];
    if (limit.soft == limit_infinity)
        return;
    auto seconds = used_ns / ns_per_second;
    if (seconds >= limit.hard) {
        (void)send_signal(p, SignalInfo::kernel(sig_kill));
    } else if (seconds >= limit.soft && seconds > p.cpu_limit_warned_s) {
        p.cpu_limit_warned_s = seconds;
        (void)send_signal(p, SignalInfo::kernel(sig_xcpu));
    }
}

void check_posix_timers(ProcessTimers &timers)
{
    for (PosixTimer &t : timers.posix) {
        if (!t.on_cpu_time() || t.cpu_expiry_ns == 0)
            continue;
        auto used = clock_now(t.clock);
        std::uint64_t periods;
        if (used.ok() && cpu_timer_due(t.cpu_expiry_ns, t.interval_ns, used.value(), periods))
            t.fire(periods);
    }
}
}  // namespace

void check_cpu_timers(Thread &running)
{
    Process &p = *running.process;
    if (p.zombie || (!p.timers && p.limits[limit_cpu].soft == limit_infinity))
        return;
    auto used = times_of(p);
    check_cpu_limit(p, used.user_ns + used.kernel_ns);
    if (!p.timers)
        return;
    std::uint64_t periods;
    auto &virt = p.timers->virtual_time, &prof = p.timers->profile;
    if (cpu_timer_due(virt.expiry_ns, virt.interval_ns, used.user_ns, periods))
        (void)send_signal(p, SignalInfo::kernel(sig_vtalrm));
    if (cpu_timer_due(prof.expiry_ns, prof.interval_ns, used.user_ns + used.kernel_ns, periods))
        (void)send_signal(p, SignalInfo::kernel(sig_prof));
    check_posix_timers(*p.timers);
}
}  // namespace kernel
