// SPDX-License-Identifier: MIT
// SIOCADDRT and SIOCDELRT of IPv4 (route(8), udhcpc's script), and bridges as brctl(8) makes them.
#include <cstring>
#include <kernel/net/bridge.hpp>
#include <kernel/net/interface.hpp>
#include <kernel/net/ioctl/ioctl.hpp>
#include <kernel/net/lock.hpp>
#include <kernel/net/routes.hpp>
#include <linux/sockios.h>

namespace kernel::net {
namespace {
constexpr std::uint16_t family_inet = 2;

ip_addr_t address_in(abi_sockaddr const &a)
{
    std::uint32_t n;
    std::memcpy(&n, a.data + 2, sizeof n);
    ip_addr_t ip;
    ip_addr_set_ip4_u32_val(ip, n);
    return ip;
}

Result<Route> read_route(abi_rtentry const &e, char const (&device)[16])
{
    Route r;
    if (e.destination.family != family_inet)
        return Error::afnosupport;
    r.destination = address_in(e.destination);
    ip_addr_set_any(false, &r.gateway);
    ip_addr_set_any(false, &r.source);
    auto mask = address_in(e.mask);
    r.prefix_bits = e.flags & abi_rtf_host ? 32 : static_cast<std::uint8_t>(bits_of_mask(*ip_2_ip4(&mask)));
    if (!(e.flags & abi_rtf_host)
        && (ip_2_ip4(&mask)->addr != mask_of_bits(r.prefix_bits).addr
            || (ip_2_ip4(&r.destination)->addr & ~ip_2_ip4(&mask)->addr)))
        return Error::inval;
    if (e.flags & abi_rtf_gateway)
        r.gateway = address_in(e.gateway);
    constexpr std::uint8_t protocol_boot = 3;
    r.protocol = protocol_boot;
    r.metric = e.metric > 0 ? static_cast<std::uint32_t>(e.metric - 1) : 0;
    if (device[0]) {
        r.device = TRY(device_named(device));
    } else if (r.has_gateway()) {
        auto way = find_route(r.gateway);
        if (!way)
            return Error::netunreach;
        r.device = way->device;
    }
    return r;
}
}  // namespace

Result<> route_ioctl(unsigned command, std::uint32_t argument)
{
    TRY(require_net_admin());
    auto e = TRY(UserPtr<abi_rtentry>{argument}.read());
    char name[16] = {};
    if (e.device)
        TRY(copy_in_string(name, Vaddr{e.device}, sizeof name));
    Guard guard;
    auto r = TRY(read_route(e, name));
    if (command == SIOCDELRT) {
        r.protocol = 0;
        return remove_route(r);
    }
    return r.device ? add_route(r, false) : Result<>{Error::nodev};
}

Result<> bridge_ioctl(unsigned command, std::uint32_t argument)
{
    if (command == SIOCGIFBR || command == SIOCSIFBR)
        return Error::opnotsupp;  // the interface before Linux 2.6
    TRY(require_net_admin());
    char name[16] = {};
    if (command == SIOCBRADDBR || command == SIOCBRDELBR) {
        TRY(copy_in(name, Vaddr{argument}, sizeof name - 1));
        Guard guard;
        if (command == SIOCBRADDBR) {
            TRY(create_bridge(name));
            return {};
        }
        auto d = find_device(name);
        return d ? delete_bridge(*d) : Result<>{Error::nxio};
    }
    auto r = TRY(UserPtr<abi_ifreq>{argument}.read());
    Guard guard;
    auto b = TRY(device_named(r.name))->as_bridge();
    auto port = find_device(static_cast<std::uint32_t>(r.u.number));
    if (!b)
        return Error::opnotsupp;
    if (!port)
        return Error::inval;
    return command == SIOCBRADDIF ? b->add_port(*port) : b->remove_port(*port);
}
}  // namespace kernel::net
