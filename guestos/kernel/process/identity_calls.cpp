// SPDX-License-Identifier: MIT
// The system calls around credentials. Each exists twice: with the 16-bit ids of old and with 32-bit ones.
#include <abi/process.h>
#include <kernel/process/identity.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>

namespace kernel {
namespace {
using Id16 = std::uint16_t;
using Id32 = std::uint32_t;
// In 16 bits, -1 stays -1, and what does not fit is 65534, "nobody".
constexpr std::uint32_t widen(Id16 id) { return id == 0xffff ? unchanged_id : id; }
constexpr std::uint32_t widen(Id32 id) { return id; }
template <class Id>
constexpr Id narrow(std::uint32_t id)
{
    return sizeof(Id) == 2 && id > 0xffff ? static_cast<Id>(65534) : static_cast<Id>(id);
}
Credentials &mine() { return current().credentials; }

template <class Id, std::uint32_t Credentials::*Field>
Result<std::int32_t> get_id()
{
    return static_cast<std::int32_t>(narrow<Id>(mine().*Field));
}
using C = Credentials;

#define GET_ID(name, number, Id, field)                                   \
    Result<std::int32_t> sys_##name() { return get_id<Id, &C::field>(); } \
    SYSCALL(name, number, sys_##name)
GET_ID(getuid, 24, Id16, uid);
GET_ID(getgid, 47, Id16, gid);
GET_ID(geteuid, 49, Id16, euid);
GET_ID(getegid, 50, Id16, egid);
GET_ID(getuid32, 199, Id32, uid);
GET_ID(getgid32, 200, Id32, gid);
GET_ID(geteuid32, 201, Id32, euid);
GET_ID(getegid32, 202, Id32, egid);
#undef GET_ID

template <class Id>
Result<> setuid(Id id)
{
    return change_uid(mine(), widen(id));
}
template <class Id>
Result<> setgid(Id id)
{
    return change_gid(mine(), widen(id));
}
template <class Id>
Result<> setreuid(Id r, Id e)
{
    return change_reuid(mine(), widen(r), widen(e));
}
template <class Id>
Result<> setregid(Id r, Id e)
{
    return change_regid(mine(), widen(r), widen(e));
}
template <class Id>
Result<> setresuid(Id r, Id e, Id s)
{
    return change_resuid(mine(), widen(r), widen(e), widen(s));
}
template <class Id>
Result<> setresgid(Id r, Id e, Id s)
{
    return change_resgid(mine(), widen(r), widen(e), widen(s));
}
template <class Id>
Result<std::int32_t> setfsuid(Id id)
{
    return static_cast<std::int32_t>(narrow<Id>(change_fsuid(mine(), widen(id))));
}
template <class Id>
Result<std::int32_t> setfsgid(Id id)
{
    return static_cast<std::int32_t>(narrow<Id>(change_fsgid(mine(), widen(id))));
}
SYSCALL(setuid, 23, setuid<Id16>);
SYSCALL(setgid, 46, setgid<Id16>);
SYSCALL(setreuid, 70, setreuid<Id16>);
SYSCALL(setregid, 71, setregid<Id16>);
SYSCALL(setfsuid, 138, setfsuid<Id16>);
SYSCALL(setfsgid, 139, setfsgid<Id16>);
SYSCALL(setresuid, 164, setresuid<Id16>);
SYSCALL(setresgid, 170, setresgid<Id16>);
SYSCALL(setreuid32, 203, setreuid<Id32>);
SYSCALL(setregid32, 204, setregid<Id32>);
SYSCALL(setresuid32, 208, setresuid<Id32>);
SYSCALL(setresgid32, 210, setresgid<Id32>);
SYSCALL(setuid32, 213, setuid<Id32>);
SYSCALL(setgid32, 214, setgid<Id32>);
SYSCALL(setfsuid32, 215, setfsuid<Id32>);
SYSCALL(setfsgid32, 216, setfsgid<Id32>);

template <class Id>
Result<> getresuid(UserPtr<Id> r, UserPtr<Id> e, UserPtr<Id> s)
{
    TRY(r.write(narrow<Id>(mine().uid)));
    TRY(e.write(narrow<Id>(mine().euid)));
    return s.write(narrow<Id>(mine().suid));
}
SYSCALL(getresuid, 165, getresuid<Id16>);
SYSCALL(getresuid32, 209, getresuid<Id32>);

template <class Id>
Result<> getresgid(UserPtr<Id> r, UserPtr<Id> e, UserPtr<Id> s)
{
    TRY(r.write(narrow<Id>(mine().gid)));
    TRY(e.write(narrow<Id>(mine().egid)));
    return s.write(narrow<Id>(mine().sgid));
}
SYSCALL(getresgid, 171, getresgid<Id16>);
SYSCALL(getresgid32, 211, getresgid<Id32>);

template <class Id>
Result<std::int32_t> getgroups(std::int32_t size, UserPtr<Id> out)
{
    auto const &c = mine();
    if (size < 0 || (size != 0 && static_cast<std::uint32_t>(size) < c.group_count))
        return Error::inval;
    for (std::uint32_t i = 0; size != 0 && i < c.group_count; ++i)
        TRY((out + i).write(narrow<Id>(c.groups[i])));
    return static_cast<std::int32_t>(c.group_count);
}
SYSCALL(getgroups, 80, getgroups<Id16>);
SYSCALL(getgroups32, 205, getgroups<Id32>);

template <class Id>
Result<> setgroups(std::int32_t size, UserPtr<Id> in)
{
    if (!mine().has_cap(cap_setgid))
        return Error::perm;
    if (size < 0 || static_cast<unsigned>(size) > Credentials::max_groups)
        return Error::inval;
    std::uint32_t groups[Credentials::max_groups];
    for (std::int32_t i = 0; i < size; ++i) {
        groups[i] = widen(TRY((in + static_cast<std::size_t>(i)).read()));
        if (groups[i] == unchanged_id)
            return Error::inval;
    }
    for (std::int32_t i = 0; i < size; ++i)
        mine().groups[i] = groups[i];
    mine().group_count = static_cast<std::uint32_t>(size);
    return {};
}
SYSCALL(setgroups, 81, setgroups<Id16>);
SYSCALL(setgroups32, 206, setgroups<Id32>);

constexpr std::uint32_t cap_version1 = 0x1998'0330, cap_version2 = 0x2007'1026, cap_version3 = 0x2008'0522;

// The number of 32-bit halves that a version of the header speaks of. An unknown one is answered with the preferred one.
Result<unsigned> cap_words(UserPtr<abi_cap_header> header, abi_cap_header &h)
{
    h = TRY(header.read());
    if (h.version == cap_version1)
        return 1u;
    if (h.version == cap_version2 || h.version == cap_version3)
        return 2u;
    h.version = cap_version3;
    TRY(header.write(h));
    return Error::inval;
}

Result<> sys_capget(UserPtr<abi_cap_header> header, UserPtr<abi_cap_data> out)
{
    abi_cap_header h;
    auto words = cap_words(header, h);
    if (!words.ok())
        return !out && words.error() == Error::inval ? Result<>{} : Result<>{words.error()};
    if (h.pid < 0)
        return Error::inval;
    auto t = h.pid == 0 ? Ref<Thread>{&current()} : find_thread(h.pid);
    if (!t)
        return Error::srch;
    auto const &c = t->credentials;
    if (!out)
        return {};
    for (unsigned i = 0; i < words.value(); ++i) {
        auto half = [i](std::uint64_t set) { return static_cast<std::uint32_t>(set >> 32 * i); };
        TRY((out + i).write({half(c.cap_effective), half(c.cap_permitted), half(c.cap_inheritable)}));
    }
    return {};
}
SYSCALL(capget, 184, sys_capget);

Result<> sys_capset(UserPtr<abi_cap_header> header, UserPtr<abi_cap_data> in)
{
    abi_cap_header h;
    unsigned words = TRY(cap_words(header, h));
    if (h.pid != 0 && h.pid != current().tid)
        return Error::perm;
    CapabilitySets want{0, 0, 0};
    for (unsigned i = 0; i < words; ++i) {
        auto d = TRY((in + i).read());
        want.effective |= std::uint64_t{d.effective} << 32 * i;
        want.permitted |= std::uint64_t{d.permitted} << 32 * i;
        want.inheritable |= std::uint64_t{d.inheritable} << 32 * i;
    }
    return set_capabilities(mine(), want);
}
SYSCALL(capset, 185, sys_capset);
}  // namespace
}  // namespace kernel
