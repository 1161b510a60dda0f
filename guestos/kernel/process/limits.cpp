// SPDX-License-Identifier: MIT
// Resource limits: getrlimit(2), setrlimit(2), prlimit(2). Who enforces what: CPU the tick, FSIZE and NOFILE fs/, DATA, STACK, AS
// and MEMLOCK memory/, NPROC clone, NICE and RTPRIO the scheduling calls, SIGPENDING the signal queue; CORE, RSS, LOCKS,
// MSGQUEUE and RTTIME are kept and shown.
#include <abi/process.h>
#include <kernel/fs/fd_table.hpp>
#include <kernel/process/limits.hpp>
#include <kernel/syscall/syscall.hpp>

namespace kernel {
namespace {
constexpr unsigned cap_sys_resource = 24;
constexpr unsigned limit_count = 16;

Result<> set_limit(Process &p, unsigned which, ResourceLimit wanted)
{
    ResourceLimit &slot = p.limits[which];
    if (wanted.soft > wanted.hard)
        return Error::inval;
    if (wanted.hard > slot.hard && !current().credentials.has_cap(cap_sys_resource))
        return Error::perm;
    if (which == limit_nofile && wanted.hard > FdTable::max_descriptors)
        return Error::perm;
    slot = wanted;
    if (which == limit_cpu)
        p.cpu_limit_warned_s = 0;
    return {};
}

// 32 bits: what does not fit is "unlimited".
constexpr std::uint32_t infinity32 = ~0u;
std::uint64_t widen(std::uint32_t v) { return v == infinity32 ? limit_infinity : v; }
std::uint32_t narrow(std::uint64_t v, std::uint32_t most) { return v > most ? most : static_cast<std::uint32_t>(v); }

Result<> sys_setrlimit(std::uint32_t which, UserPtr<abi_rlimit32> in)
{
    if (which >= limit_count)
        return Error::inval;
    auto l = TRY(in.read());
    return set_limit(current_process(), which, {widen(l.rlim_cur), widen(l.rlim_max)});
}
SYSCALL(setrlimit, 75, sys_setrlimit);

Result<> get_limit32(std::uint32_t which, UserPtr<abi_rlimit32> out, std::uint32_t most)
{
    if (which >= limit_count)
        return Error::inval;
    auto const &l = current_process().limits[which];
    return out.write({narrow(l.soft, most), narrow(l.hard, most)});
}

Result<> sys_ugetrlimit(std::uint32_t which, UserPtr<abi_rlimit32> out) { return get_limit32(which, out, infinity32); }
SYSCALL(ugetrlimit, 191, sys_ugetrlimit);

// The oldest form reports signed numbers.
Result<> sys_getrlimit(std::uint32_t which, UserPtr<abi_rlimit32> out) { return get_limit32(which, out, 0x7fff'ffff); }
SYSCALL(getrlimit, 76, sys_getrlimit);

bool may_limit(Credentials const &me, Credentials const &other)
{
    bool same = me.uid == other.uid && me.uid == other.euid && me.uid == other.suid && me.gid == other.gid
        && me.gid == other.egid && me.gid == other.sgid;
    return same || me.has_cap(cap_sys_resource);
}

Result<> sys_prlimit64(Pid pid, std::uint32_t which, UserPtr<abi_rlimit64> in, UserPtr<abi_rlimit64> out)
{
    if (which >= limit_count)
        return Error::inval;
    ResourceLimit wanted{};
    if (in) {
        auto l = TRY(in.read());
        wanted = {l.rlim_cur, l.rlim_max};
    }
    auto t = pid == 0 ? Ref<Thread>{&current()} : find_thread(pid);
    if (!t || !t->process)
        return Error::srch;
    if (t->process != current().process && !may_limit(current().credentials, t->credentials))
        return Error::perm;
    auto old = t->process->limits[which];
    if (in)
        TRY(set_limit(*t->process, which, wanted));
    if (out)
        TRY(out.write({old.soft, old.hard}));
    return {};
}
SYSCALL(prlimit64, 340, sys_prlimit64);
}  // namespace
}  // namespace kernel
