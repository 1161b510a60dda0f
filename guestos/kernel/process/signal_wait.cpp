// SPDX-License-Identifier: MIT
// Waiting for signals: sigsuspend, pause, sigtimedwait.
#include <kernel/process/signal_state.hpp>
#include <kernel/syscall/syscall.hpp>
#include <kernel/time/clock.hpp>

namespace kernel {
namespace {
using UserSet = std::uint64_t;

Result<> wait_for_any_signal()
{
    WaitQueue nobody;
    (void)wait_until(nobody, [] { return false; });
    return Error::restart_nohand;
}

Result<> sys_pause() { return wait_for_any_signal(); }
SYSCALL(pause, 29, sys_pause);

Result<> sys_rt_sigsuspend(UserPtr<UserSet> in, std::uint32_t set_bytes)
{
    if (set_bytes != sizeof(UserSet))
        return Error::inval;
    set_signal_mask_until_return(TRY(in.read()));
    return wait_for_any_signal();
}
SYSCALL(rt_sigsuspend, 179, sys_rt_sigsuspend);

// The set is the third argument: the first two are remnants.
Result<> sys_sigsuspend(std::uint32_t, std::uint32_t, std::uint32_t set)
{
    set_signal_mask_until_return(set);
    return wait_for_any_signal();
}
SYSCALL(sigsuspend, 72, sys_sigsuspend);

template <class TimeSpec>
Result<std::int32_t> sigtimedwait(UserPtr<UserSet> in, UserPtr<SignalInfo> info, UserPtr<TimeSpec> timeout,
                                  std::uint32_t set_bytes)
{
    if (set_bytes != sizeof(UserSet))
        return Error::inval;
    SignalSet wanted = TRY(in.read()) & ~unblockable_signals;
    auto deadline = timeout ? deadline_after(TRY(to_ns(TRY(timeout.read())))) : arch::no_deadline;
    Thread &self = current();
    SignalInfo taken;
    self.signals.waited_for = wanted;
    WaitQueue nobody;
    bool got = false;
    auto waited = wait_until(
        nobody, [&] { return got = take_signal(wanted, taken); }, Sleep::interruptible, deadline);
    self.signals.waited_for = 0;
    if (!got)
        return waited.error() == Error::timedout ? Error::again : Error::intr;
    if (info)
        TRY(info.write(taken));
    return taken.signo;
}
SYSCALL(rt_sigtimedwait, 177, sigtimedwait<abi_timespec32>);
SYSCALL(rt_sigtimedwait_time64, 421, sigtimedwait<abi_timespec64>);
}  // namespace

bool take_signal(SignalSet wanted, SignalInfo &out)
{
    arch::IrqGuard guard;
    Thread &self = current();
    return take_queued(self.signals.pending, wanted, out)
        || take_queued(self.process->shared_signals.pending, wanted, out);
}
}  // namespace kernel
