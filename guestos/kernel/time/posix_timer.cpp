// SPDX-License-Identifier: MIT
// timer_create(2) and its family.
#include <kernel/process/process_table.hpp>
#include <kernel/syscall/syscall.hpp>
#include <kernel/time/clock.hpp>
#include <kernel/time/process_timers.hpp>

namespace kernel {
namespace {
constexpr int sigev_signal = 0, sigev_none = 1, sigev_thread_id = 4;
constexpr std::uint32_t timer_abstime = 1;
constexpr unsigned max_timers = 1024;

Result<PosixTimer *> find(std::int32_t id)
{
    if (auto *timers = current_process().timers)
        for (PosixTimer &t : timers->posix)
            if (t.id == id)
                return &t;
    return Error::inval;
}

Result<> configure(PosixTimer &t, abi_sigevent const &e)
{
    t.signo = e.sigev_signo;
    t.value = e.sigev_value;
    t.silent = e.sigev_notify == sigev_none;
    t.thread_directed = e.sigev_notify == (sigev_signal | sigev_thread_id);
    if (!t.silent && !t.thread_directed && e.sigev_notify != sigev_signal && e.sigev_notify != 2)
        return Error::inval;
    if (!t.silent && (e.sigev_signo < 1 || e.sigev_signo > last_signal))
        return Error::inval;
    if (!t.thread_directed)
        return {};
    auto thread = find_thread(e.sigev_thread_id);
    if (!thread || thread->process != current().process)
        return Error::inval;
    t.target = thread.get();  // forget_thread_timers() clears it
    return {};
}

Result<> sys_timer_create(std::int32_t clock, UserPtr<abi_sigevent> event, UserPtr<std::int32_t> out)
{
    TRY(clock_now(clock));
    if (!is_realtime(clock) && !is_monotonic(clock) && clock != clock_process_cpu && clock != clock_thread_cpu
        && clock >= 0)
        return Error::opnotsupp;
    ProcessTimers &timers = *TRY(process_timers(current_process()));
    if (timers.posix.size() >= max_timers)
        return Error::again;
    abi_sigevent e{};
    e.sigev_signo = sig_alrm;
    e.sigev_value = static_cast<std::uint32_t>(timers.next_id);
    if (event)
        e = TRY(event.read());
    auto *t = new (std::nothrow) PosixTimer{current_process(), timers.next_id, clock};
    if (!t)
        return Error::nomem;
    auto configured = configure(*t, e);
    if (configured.ok())
        configured = out.write(t->id);
    if (!configured.ok()) {
        delete t;
        return configured;
    }
    ++timers.next_id;
    arch::IrqGuard guard;
    timers.posix.push_back(*t);
    return {};
}
SYSCALL(timer_create, 259, sys_timer_create);

struct Setting {
    std::uint64_t value_ns, interval_ns;
};

Setting get(PosixTimer &t)
{
    std::uint64_t left = 0;
    auto now = t.on_cpu_time() ? clock_now(t.clock).value_or(0) : arch::now_ns();
    auto until = t.on_cpu_time() ? t.cpu_expiry_ns : t.timer.armed() ? t.timer.deadline() : 0;
    if (until)
        left = until > now ? until - now : 1;
    return {left, t.interval_ns};
}

Result<> set(PosixTimer &t, bool absolute, Setting s)
{
    arch::IrqGuard guard;
    t.timer.cancel();
    t.cpu_expiry_ns = 0;
    t.interval_ns = s.interval_ns;
    t.overrun = 0;
    if (s.value_ns == 0)
        return {};
    if (t.on_cpu_time())
        t.cpu_expiry_ns = absolute ? s.value_ns : TRY(clock_now(t.clock)) + s.value_ns;
    else if (!absolute)
        t.timer.arm(deadline_after(s.value_ns));
    else
        t.timer.arm(is_realtime(t.clock) ? monotonic_of_realtime(s.value_ns) : s.value_ns);
    return {};
}

template <class Spec>
Spec to_abi(Setting s)
{
    using T = decltype(Spec::it_value);
    return {to_timespec<T>(s.interval_ns), to_timespec<T>(s.value_ns)};
}

template <class Spec>
Result<> timer_settime(std::int32_t id, std::uint32_t flags, UserPtr<Spec> in, UserPtr<Spec> out)
{
    if (!in)
        return Error::inval;
    auto spec = TRY(in.read());
    Setting wanted{TRY(to_ns(spec.it_value)), TRY(to_ns(spec.it_interval))};
    PosixTimer &t = *TRY(find(id));
    auto old = get(t);
    TRY(set(t, (flags & timer_abstime) != 0, wanted));
    if (out)
        TRY(out.write(to_abi<Spec>(old)));
    return {};
}
SYSCALL(timer_settime, 260, timer_settime<abi_itimerspec32>);
SYSCALL(timer_settime64, 409, timer_settime<abi_itimerspec64>);

template <class Spec>
Result<> timer_gettime(std::int32_t id, UserPtr<Spec> out)
{
    return out.write(to_abi<Spec>(get(*TRY(find(id)))));
}
SYSCALL(timer_gettime, 261, timer_gettime<abi_itimerspec32>);
SYSCALL(timer_gettime64, 408, timer_gettime<abi_itimerspec64>);

Result<std::int32_t> sys_timer_getoverrun(std::int32_t id)
{
    return static_cast<std::int32_t>(TRY(find(id))->reported_overrun);
}
SYSCALL(timer_getoverrun, 262, sys_timer_getoverrun);

Result<> sys_timer_delete(std::int32_t id)
{
    PosixTimer *t = TRY(find(id));
    arch::IrqGuard guard;
    withdraw(t->process.shared_signals.pending, t->signal);
    if (t->target)
        withdraw(t->target->signals.pending, t->signal);
    delete t;
    return {};
}
SYSCALL(timer_delete, 263, sys_timer_delete);
}  // namespace
}  // namespace kernel
