// SPDX-License-Identifier: MIT
// RTM_*ADDR: addresses of interfaces.
#include <abi/socket.h>
#include <kernel/net/interface.hpp>
#include <kernel/net/netlink/messages.hpp>
#include <kernel/net/netlink/netlink_socket.hpp>
#include <lwip/nd6.h>

namespace kernel::net {
namespace {
unsigned flags6(NetDevice const &d, unsigned slot)
{
    auto state = netif_ip6_addr_state(&d.netif, static_cast<s8_t>(slot));
    unsigned f = netif_ip6_addr_isstatic(&d.netif, static_cast<s8_t>(slot)) ? unsigned{IFA_F_PERMANENT} : 0;
    if (ip6_addr_istentative(state))
        f |= IFA_F_TENTATIVE;
    if (ip6_addr_isduplicated(state))
        f |= IFA_F_DADFAILED | IFA_F_TENTATIVE;
    if (ip6_addr_isdeprecated(state))
        f |= IFA_F_DEPRECATED;
    return f;
}

void dump_all(NetlinkRequest const &r, unsigned family, std::uint32_t only_index)
{
    Dump dump{r};
    Addressee to{r.header.nlmsg_seq, r.socket.port(), NLM_F_MULTI};
    for (auto &d : devices()) {
        if (only_index && d.index != only_index)
            continue;
        auto a4 = address_of(d);
        if (a4.is_set() && family != abi_af_inet6)
            dump.add([&](MessageWriter &w) {
                ip_addr_t a;
                ip_addr_copy_from_ip4(a, a4.local);
                write_address(w, d, a, a4.prefix_bits(), IFA_F_PERMANENT, RTM_NEWADDR, to);
            });
        for (unsigned i = 0; i < LWIP_IPV6_NUM_ADDRESSES && family != abi_af_inet; ++i)
            if (!ip6_addr_isinvalid(netif_ip6_addr_state(&d.netif, static_cast<s8_t>(i))))
                dump.add([&](MessageWriter &w) {
                    write_address(w, d, *netif_ip_addr6(&d.netif, i), prefix_bits6(d, i), flags6(d, i), RTM_NEWADDR, to);
                });
    }
    dump.finish();
}

Result<> add4(NetDevice &d, ip4_addr_t const &a, ifaddrmsg const &m, NetlinkRequest const &r)
{
    if (m.ifa_prefixlen > 32)
        return Error::inval;
    auto old = address_of(d);
    if (old.is_set()) {
        if (old.local.addr == a.addr && r.has(NLM_F_EXCL))
            return Error::exist;
        if (old.local.addr != a.addr)
            return Error::nospc;  // lwIP has one IPv4 address for each interface
    }
    Address4 now;
    now.local = a;
    now.mask = mask_of_bits(m.ifa_prefixlen);
    set_address(d, now);
    return {};
}

Result<> change(NetlinkRequest const &r, ifaddrmsg const &m, Attributes const &attributes)
{
    bool v6 = m.ifa_family == abi_af_inet6;
    if (!v6 && m.ifa_family != abi_af_inet)
        return Error::afnosupport;
    auto d = find_device(m.ifa_index);
    if (!d)
        return Error::nodev;
    ip_addr_t a;
    if (!read_ip(attributes, attributes.has(IFA_LOCAL) ? IFA_LOCAL : IFA_ADDRESS, v6, a))
        return Error::inval;
    bool adding = r.header.nlmsg_type == RTM_NEWADDR;
    if (v6) {
        ip6_addr_assign_zone(ip_2_ip6(&a), IP6_UNICAST, &d->netif);
        return adding ? add_address6(*d, *ip_2_ip6(&a), m.ifa_prefixlen) : remove_address6(*d, *ip_2_ip6(&a));
    }
    if (adding)
        return add4(*d, *ip_2_ip4(&a), m, r);
    if (address_of(*d).local.addr != ip_2_ip4(&a)->addr)
        return Error::addrnotavail;
    set_address(*d, {});
    return {};
}
}  // namespace

bool read_ip(Attributes const &attributes, unsigned type, bool v6, ip_addr_t &out)
{
    std::uint32_t w[4] = {};
    auto bytes = attributes.bytes(type);
    if (bytes.size() != (v6 ? 16u : 4u))
        return false;
    std::memcpy(w, bytes.data(), bytes.size());
    if (v6)
        IP_ADDR6(&out, w[0], w[1], w[2], w[3]);
    else
        ip_addr_set_ip4_u32_val(out, w[0]);
    return true;
}

void put_ip(MessageWriter &w, std::uint16_t type, ip_addr_t const &a)
{
    if (IP_IS_V6_VAL(a))
        w.attribute(type, ip_2_ip6(&a)->addr, 16);
    else
        w.attribute(type, &ip_2_ip4(&a)->addr, 4);
}

void write_address(MessageWriter &w, NetDevice const &d, ip_addr_t const &a, unsigned prefix_bits, unsigned flags,
                   std::uint16_t type, Addressee const &to)
{
    constexpr std::uint8_t scope_universe = 0, scope_link = 253, scope_host = 254;
    bool v6 = IP_IS_V6_VAL(a);
    ifaddrmsg m{};
    m.ifa_family = v6 ? abi_af_inet6 : abi_af_inet;
    m.ifa_prefixlen = static_cast<__u8>(prefix_bits);
    m.ifa_flags = static_cast<__u8>(flags);
    m.ifa_scope = d.is_loopback() ? scope_host : v6 && ip6_addr_islinklocal(ip_2_ip6(&a)) ? scope_link : scope_universe;
    m.ifa_index = d.index;
    w.begin(type, to.flags, to.sequence, to.port, m);
    put_ip(w, IFA_ADDRESS, a);
    if (!v6) {
        put_ip(w, IFA_LOCAL, a);
        if (!d.is_loopback() && prefix_bits < 31) {
            std::uint32_t broadcast = ip_2_ip4(&a)->addr | ~mask_of_bits(prefix_bits).addr;
            w.attribute(IFA_BROADCAST, broadcast);
        }
        w.text(IFA_LABEL, d.name);
    }
    w.attribute(IFA_FLAGS, std::uint32_t{flags});
    ifa_cacheinfo life{0xffff'ffff, 0xffff'ffff, 0, 0};
    w.attribute(IFA_CACHEINFO, life);
}

Error handle_address(NetlinkRequest const &r)
{
    auto m = r.family_header<ifaddrmsg>();
    if (r.header.nlmsg_type != RTM_GETADDR)
        return change(r, m, r.attributes<ifaddrmsg>()).error();
    if (!r.is_dump())
        return Error::opnotsupp;
    dump_all(r, m.ifa_family, m.ifa_index);
    return Error::none;
}
}  // namespace kernel::net
