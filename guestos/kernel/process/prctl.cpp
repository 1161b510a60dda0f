// SPDX-License-Identifier: MIT
// prctl(2), personality(2), unshare(2).
#include <kernel/fs/fd_table.hpp>
#include <kernel/fs/init.hpp>
#include <kernel/process/identity.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>
#include <linux/prctl.h>
#include <linux/sched.h>

namespace kernel {
namespace {
using Args = std::uint32_t const (&)[4];
constexpr unsigned cap_sys_admin = 21;

Result<std::int32_t> set_bit(std::uint32_t &word, std::uint32_t bit, std::uint32_t value)
{
    if (value > 1)
        return Error::inval;
    word = value ? word | bit : word & ~bit;
    return 0;
}

Result<std::int32_t> set_name(std::uint32_t from)
{
    Thread &self = current();
    char name[sizeof self.name] = {};
    auto n = copy_in_string(name, Vaddr{from}, sizeof name);
    if (!n.ok() && n.error() != Error::nametoolong)
        return n.error();
    name[n.ok() ? n.value() : sizeof name - 1] = 0;
    __builtin_memcpy(self.name, name, sizeof self.name);
    return 0;
}

// capabilities(7), "Ambient".
Result<std::int32_t> ambient(Credentials &c, Args a)
{
    if (a[0] == PR_CAP_AMBIENT_CLEAR_ALL) {
        if (a[1] | a[2] | a[3])
            return Error::inval;
        c.cap_ambient = 0;
        return 0;
    }
    if (a[1] > last_cap || a[2] || a[3])
        return Error::inval;
    std::uint64_t bit = 1ull << a[1];
    switch (a[0]) {
    case PR_CAP_AMBIENT_IS_SET: return (c.cap_ambient & bit) != 0;
    case PR_CAP_AMBIENT_LOWER: c.cap_ambient &= ~bit; return 0;
    case PR_CAP_AMBIENT_RAISE:
        if (!(c.cap_permitted & c.cap_inheritable & bit))
            return Error::perm;
        c.cap_ambient |= bit;
        return 0;
    }
    return Error::inval;
}

Result<std::int32_t> set_securebits(Credentials &c, std::uint32_t bits)
{
    constexpr std::uint32_t known = 0xff, locks = 0xaa;
    std::uint32_t locked = (c.securebits & locks) >> 1;  // the bit above each flag freezes it
    if ((bits & ~known) || ((c.securebits ^ bits) & locked) || (c.securebits & locks & ~bits))
        return Error::perm;
    if (!c.has_cap(cap_setpcap))
        return Error::perm;
    c.securebits = bits;
    return 0;
}

Result<std::int32_t> of_credentials(std::uint32_t option, Args a)
{
    Credentials &c = current().credentials;
    switch (option) {
    case PR_GET_KEEPCAPS: return (c.securebits & secure_keep_caps) != 0;
    case PR_SET_KEEPCAPS: return set_bit(c.securebits, secure_keep_caps, a[0]);
    case PR_CAPBSET_READ:
        if (a[0] > last_cap)
            return Error::inval;
        return static_cast<std::int32_t>(c.cap_bounding >> a[0] & 1);
    case PR_CAPBSET_DROP:
        if (!c.has_cap(cap_setpcap))
            return Error::perm;
        if (a[0] > last_cap)
            return Error::inval;
        c.cap_bounding &= ~(1ull << a[0]);
        return 0;
    case PR_GET_SECUREBITS: return static_cast<std::int32_t>(c.securebits);
    case PR_SET_SECUREBITS: return set_securebits(c, a[0]);
    case PR_CAP_AMBIENT: return ambient(c, a);
    case PR_GET_NO_NEW_PRIVS:
        if (a[0] | a[1] | a[2] | a[3])
            return Error::inval;
        return c.no_new_privs;
    case PR_SET_NO_NEW_PRIVS:
        if (a[0] != 1 || (a[1] | a[2] | a[3]))
            return Error::inval;
        c.no_new_privs = true;
        return 0;
    }
    return Error::inval;
}

Result<std::int32_t> sys_prctl(std::uint32_t option, std::uint32_t a2, std::uint32_t a3, std::uint32_t a4,
                               std::uint32_t a5)
{
    Process &p = current_process();
    Thread &self = current();
    auto store = [a2](std::int32_t v) { return copy_out(Vaddr{a2}, &v, sizeof v); };
    switch (option) {
    case PR_SET_PDEATHSIG:
        if (a2 > last_signal)
            return Error::inval;
        p.parent_death_signal = static_cast<std::int32_t>(a2);
        return 0;
    case PR_GET_PDEATHSIG: TRY(store(p.parent_death_signal)); return 0;
    case PR_GET_DUMPABLE: return p.dumpable;
    case PR_SET_DUMPABLE:
        if (a2 > 1)
            return Error::inval;
        p.dumpable = a2 != 0;
        return 0;
    case PR_SET_NAME: return set_name(a2);
    case PR_GET_NAME: TRY(copy_out(Vaddr{a2}, self.name, sizeof self.name)); return 0;
    case PR_GET_TIMING: return PR_TIMING_STATISTICAL;
    case PR_SET_TIMING: return a2 == PR_TIMING_STATISTICAL ? Result<std::int32_t>{0} : Error::inval;
    case PR_GET_TSC: TRY(store(PR_TSC_ENABLE)); return 0;
    case PR_SET_TSC: return a2 == PR_TSC_ENABLE ? Result<std::int32_t>{0} : Error::inval;
    case PR_GET_TIMERSLACK: return static_cast<std::int32_t>(self.timer_slack_ns);
    case PR_SET_TIMERSLACK: self.timer_slack_ns = a2 ? a2 : 50000; return 0;
    case PR_GET_CHILD_SUBREAPER: TRY(store(p.child_subreaper)); return 0;
    case PR_SET_CHILD_SUBREAPER: p.child_subreaper = a2 != 0; return 0;
    case PR_GET_TID_ADDRESS: TRY(store(static_cast<std::int32_t>(self.clear_child_tid.raw()))); return 0;
    case PR_GET_THP_DISABLE: return a2 | a3 | a4 | a5 ? Result<std::int32_t>{Error::inval} : 1;
    case PR_SET_THP_DISABLE: return a3 | a4 | a5 ? Result<std::int32_t>{Error::inval} : 0;  // pages are never huge
    default: return of_credentials(option, {a2, a3, a4, a5});
    }
}
SYSCALL(prctl, 172, sys_prctl);

Result<std::int32_t> sys_personality(std::uint32_t wanted)
{
    Process &p = current_process();
    auto old = static_cast<std::int32_t>(p.personality);
    if (wanted != ~0u)
        p.personality = wanted;
    return old;
}
SYSCALL(personality, 136, sys_personality);

// There are no namespaces to leave; what clone can share can be had for oneself again.
Result<> sys_unshare(std::uint32_t flags)
{
    constexpr std::uint32_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER
        | CLONE_NEWPID | CLONE_NEWNET | 0x80;
    constexpr std::uint32_t known = namespaces | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_THREAD | CLONE_SIGHAND
        | CLONE_VM;
    Thread &self = current();
    if (flags & ~known)
        return Error::inval;
    if (flags & namespaces)
        return self.credentials.has_cap(cap_sys_admin) || (flags & CLONE_NEWUSER) ? Error::inval : Error::perm;
    if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && self.process->live_threads > 1)
        return Error::inval;
    if ((flags & CLONE_FS) && self.fs->use_count() > 1)
        self.fs = TRY(copy_fs_context(*self.fs));
    if ((flags & CLONE_FILES) && self.files->use_count() > 1)
        self.files = TRY(self.files->clone());
    return {};
}
SYSCALL(unshare, 310, sys_unshare);

Result<> sys_setns(int fd, std::uint32_t)
{
    TRY(current().files->get(fd));
    return Error::inval;
}
SYSCALL(setns, 346, sys_setns);
}  // namespace
}  // namespace kernel
