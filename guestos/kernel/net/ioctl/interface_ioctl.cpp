// SPDX-License-Identifier: MIT
#include <kernel/net/inet/inet_socket.hpp>
#include <kernel/net/ioctl/ioctl.hpp>
#include <kernel/process/process.hpp>
#include <linux/capability.h>
#include <linux/sockios.h>

namespace kernel::net {
Result<> require_net_admin()
{
    return current().credentials.has_cap(CAP_NET_ADMIN) ? Result<>{} : Result<>{Error::perm};
}

Result<NetDevice *> device_named(char const (&name)[16])
{
    char n[17] = {};
    std::memcpy(n, name, sizeof name);
    for (char &c : n)
        if (c == ':')
            c = 0;
    auto d = find_device(n);
    if (!d)
        return Error::nodev;
    return d;
}

Result<std::int32_t> interface_ioctl(unsigned command, std::uint32_t argument)
{
    constexpr unsigned first = 0x8900, last = 0x89ff;
    if (command < first || command > last)
        return Error::notty;
    switch (command) {
    case SIOCGIFCONF: TRY(list_interfaces(argument)); return 0;
    case SIOCADDRT:
    case SIOCDELRT: TRY(route_ioctl(command, argument)); return 0;
    case SIOCGARP:
    case SIOCSARP:
    case SIOCDARP: TRY(arp_ioctl(command, argument)); return 0;
    case SIOCBRADDBR:
    case SIOCBRDELBR:
    case SIOCBRADDIF:
    case SIOCBRDELIF:
    case SIOCGIFBR:
    case SIOCSIFBR: TRY(bridge_ioctl(command, argument)); return 0;
    default: break;
    }
    UserPtr<abi_ifreq> user{argument};
    auto r = TRY(user.read());
    r.name[15] = 0;
    {
        Guard guard;
        auto done = device_ioctl(command, r);
        if (!done.ok() && done.error() == Error::notty)
            done = address_ioctl(command, r);
        TRY(std::move(done));
    }
    TRY(user.write(r));
    return 0;
}
}  // namespace kernel::net
