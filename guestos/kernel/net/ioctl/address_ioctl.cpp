// SPDX-License-Identifier: MIT
// IPv4 addresses, and the ARP table.
#include <cstring>
#include <kernel/net/interface.hpp>
#include <kernel/net/ioctl/ioctl.hpp>
#include <kernel/net/lock.hpp>
#include <linux/sockios.h>
#include <lwip/etharp.h>

namespace kernel::net {
namespace {
constexpr std::uint16_t family_inet = 2;

ip4_addr_t address_in(abi_sockaddr const &a)
{
    ip4_addr_t ip;
    std::memcpy(&ip, a.data + 2, sizeof ip);
    return ip;
}

void put(abi_sockaddr &to, ip4_addr_t const &ip)
{
    to = {};
    to.family = family_inet;
    std::memcpy(to.data + 2, &ip, sizeof ip);
}

// The mask that an address had before there were subnets: what ifconfig gets that names none.
unsigned class_bits(ip4_addr_t const &ip)
{
    auto first = ip.addr & 0xff;
    return first < 128 ? 8 : first < 192 ? 16 : 24;
}

// ifconfig: an address brings the interface up.
Result<> set_local(NetDevice &d, abi_sockaddr const &wanted)
{
    if (wanted.family != family_inet)
        return Error::inval;
    Address4 a = address_of(d);
    bool had = a.is_set();
    a.local = address_in(wanted);
    if (!had && a.is_set())
        a.mask = mask_of_bits(class_bits(a.local));
    set_address(d, a.is_set() ? a : Address4{});
    return a.is_set() ? d.bring_up() : Result<>{};
}

Result<> set_mask(NetDevice &d, ip4_addr_t mask)
{
    auto a = address_of(d);
    if (!a.is_set())
        return Error::addrnotavail;
    if (mask.addr != mask_of_bits(bits_of_mask(mask)).addr)
        return Error::inval;
    a.mask = mask;
    set_address(d, a);
    return {};
}
}  // namespace

Result<> address_ioctl(unsigned command, abi_ifreq &r)
{
    auto &d = *TRY(device_named(r.name));
    auto a = address_of(d);
    switch (command) {
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFBRDADDR:
    case SIOCGIFNETMASK: {
        if (!a.is_set())
            return Error::addrnotavail;
        ip4_addr_t none{};
        put(r.u.address,
            command == SIOCGIFBRDADDR       ? d.is_loopback() ? none : a.broadcast
                : command == SIOCGIFNETMASK ? a.mask
                                            : a.local);
        return {};
    }
    case SIOCSIFADDR: TRY(require_net_admin()); return set_local(d, r.u.address);
    case SIOCSIFNETMASK: TRY(require_net_admin()); return set_mask(d, address_in(r.u.address));
    case SIOCSIFBRDADDR:  // follows from address and mask
    case SIOCSIFDSTADDR: return require_net_admin();
    default: return Error::notty;
    }
}

Result<> arp_ioctl(unsigned command, std::uint32_t argument)
{
    UserPtr<abi_arpreq> user{argument};
    auto r = TRY(user.read());
    if (r.protocol.family != family_inet)
        return Error::afnosupport;
    auto ip = address_in(r.protocol);
    eth_addr mac;
    if (command == SIOCGARP) {
        bool found = false;
        Guard guard;
        for (std::size_t i = 0; i < ARP_TABLE_SIZE && !found; ++i) {
            ip4_addr_t *known;
            struct netif *n;
            eth_addr *address;
            if (!etharp_get_entry(i, &known, &n, &address) || known->addr != ip.addr)
                continue;
            r.hardware.family = abi_arphrd_ether;
            std::memcpy(r.hardware.data, address, sizeof mac);
            r.flags = abi_atf_complete;
            found = true;
        }
        if (!found)
            return Error::nxio;
    }
    if (command == SIOCGARP)
        return user.write(r);
    TRY(require_net_admin());
    Guard guard;
    if (command == SIOCDARP)
        return etharp_remove_static_entry(&ip) == ERR_OK ? Result<>{} : Result<>{Error::nxio};
    std::memcpy(mac.addr, r.hardware.data, sizeof mac.addr);
    return etharp_add_static_entry(&ip, &mac) == ERR_OK ? Result<>{} : Result<>{Error::netunreach};
}
}  // namespace kernel::net
