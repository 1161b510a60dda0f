// SPDX-License-Identifier: MIT
// uname(2), sethostname(2), sysinfo(2).
#include <abi/process.h>
#include <algorithm>
#include <arch/clock.hpp>
#include <cstring>
#include <kernel/memory/frames.hpp>
#include <kernel/process/load_average.hpp>
#include <kernel/process/process.hpp>
#include <kernel/process/system_info.hpp>
#include <kernel/syscall/syscall.hpp>
#include <lib/format.hpp>

namespace kernel {
char const system_version[65] = "#1 " __DATE__;

namespace {
SystemNames names;
constexpr unsigned cap_sys_admin = 21;

template <class Names>
void fill(Names &n)
{
    auto put = [](auto &to, char const *from) { format(to, sizeof to, "%s", from); };
    put(n.sysname, system_name);
    put(n.nodename, names.host);
    put(n.release, system_release);
    put(n.version, system_version);
    put(n.machine, system_machine);
    if constexpr (requires { n.domainname; })
        put(n.domainname, names.domain);
}

template <class Names>
Result<> uname(UserPtr<Names> out)
{
    Names n{};
    fill(n);
    return out.write(n);
}
SYSCALL(oldolduname, 59, uname<abi_old_utsname>);
SYSCALL(olduname, 109, uname<abi_utsname>);
SYSCALL(uname, 122, uname<abi_new_utsname>);

Result<> set_name(char (&name)[65], std::uint32_t from, std::int32_t n)
{
    if (!current().credentials.has_cap(cap_sys_admin))
        return Error::perm;
    if (n < 0 || n > 64)
        return Error::inval;
    char text[65] = {};
    TRY(copy_in(text, Vaddr{from}, static_cast<std::size_t>(n)));
    std::memcpy(name, text, sizeof text);
    return {};
}

Result<> sys_sethostname(std::uint32_t from, std::int32_t n) { return set_name(names.host, from, n); }
SYSCALL(sethostname, 74, sys_sethostname);

Result<> sys_setdomainname(std::uint32_t from, std::int32_t n) { return set_name(names.domain, from, n); }
SYSCALL(setdomainname, 121, sys_setdomainname);

Result<> sys_sysinfo(UserPtr<abi_sysinfo> out)
{
    auto frames = frame_counts();
    auto loads = load_average();
    abi_sysinfo s{};
    s.uptime = static_cast<std::int32_t>(arch::now_ns() / 1'000'000'000);
    for (unsigned i = 0; i < 3; ++i)
        s.loads[i] = loads.fixed16[i];
    s.totalram = frames.total;
    s.freeram = frames.free;
    s.procs = static_cast<std::uint16_t>(std::min(process_count(), 0xffffu));
    s.mem_unit = page_size;
    return out.write(s);
}
SYSCALL(sysinfo, 116, sys_sysinfo);
}  // namespace

SystemNames &system_names() { return names; }
}  // namespace kernel
