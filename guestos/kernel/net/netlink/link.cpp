// SPDX-License-Identifier: MIT
// RTM_*LINK: interfaces.
#include <abi/interface.h>
#include <kernel/net/bridge.hpp>
#include <kernel/net/netlink/messages.hpp>
#include <kernel/net/netlink/netlink_socket.hpp>
#include <linux/if_link.h>

namespace kernel::net {
namespace {
void put_statistics(MessageWriter &w, Counters const &c)
{
    rtnl_link_stats64 s{};
    s.rx_packets = c.rx_packets;
    s.tx_packets = c.tx_packets;
    s.rx_bytes = c.rx_bytes;
    s.tx_bytes = c.tx_bytes;
    s.rx_errors = c.rx_errors;
    s.tx_errors = c.tx_errors;
    s.rx_dropped = c.rx_dropped;
    s.tx_dropped = c.tx_dropped;
    s.multicast = c.rx_multicast;
    w.attribute(IFLA_STATS64, s);
    rtnl_link_stats n{};
    n.rx_packets = static_cast<__u32>(c.rx_packets);
    n.tx_packets = static_cast<__u32>(c.tx_packets);
    n.rx_bytes = static_cast<__u32>(c.rx_bytes);
    n.tx_bytes = static_cast<__u32>(c.tx_bytes);
    n.rx_errors = static_cast<__u32>(c.rx_errors);
    n.tx_errors = static_cast<__u32>(c.tx_errors);
    n.rx_dropped = static_cast<__u32>(c.rx_dropped);
    n.tx_dropped = static_cast<__u32>(c.tx_dropped);
    n.multicast = static_cast<__u32>(c.rx_multicast);
    w.attribute(IFLA_STATS, n);
}

NetDevice *named(ifinfomsg const &m, Attributes const &a)
{
    if (m.ifi_index > 0)
        return find_device(static_cast<std::uint32_t>(m.ifi_index));
    char name[NetDevice::name_bytes] = {};
    auto text = a.text(a.has(IFLA_IFNAME) ? IFLA_IFNAME : IFLA_ALT_IFNAME);
    if (text.empty() || text.size() >= sizeof name)
        return nullptr;
    text.copy(name, text.size());
    return find_device(name);
}

Error get(NetlinkRequest const &r, ifinfomsg const &m, Attributes const &a)
{
    Addressee to{r.header.nlmsg_seq, r.socket.port(), 0};
    if (r.is_dump()) {
        Dump dump{r};
        to.flags = NLM_F_MULTI;
        auto master = a.number(IFLA_MASTER);
        for (auto &d : devices())
            if (!master || (d.bridge && d.bridge->index == master))
                dump.add([&](MessageWriter &w) { write_link(w, d, RTM_NEWLINK, to); });
        dump.finish();
        return Error::none;
    }
    auto d = named(m, a);
    if (!d)
        return Error::nodev;
    MessageWriter w;
    write_link(w, *d, RTM_NEWLINK, to);
    if (w.end())
        r.socket.deliver(w);
    return Error::none;
}

Result<> change_master(NetDevice &d, std::uint32_t index)
{
    if (d.bridge && d.bridge->index != index)
        TRY(d.bridge->remove_port(d));
    if (!index || d.bridge)
        return {};
    auto master = find_device(index);
    if (!master || !master->as_bridge())
        return Error::inval;
    return master->as_bridge()->add_port(d);
}

Result<> change(NetDevice &d, ifinfomsg const &m, Attributes const &a)
{
    if (a.has(IFLA_MTU))
        TRY(d.change_mtu(a.number(IFLA_MTU)));
    MacAddress mac;
    if (a.read(IFLA_ADDRESS, mac.bytes))
        TRY(d.change_mac(mac));
    if (a.has(IFLA_TXQLEN))
        d.queue_limit = a.number(IFLA_TXQLEN);
    if (m.ifi_index > 0 && a.has(IFLA_IFNAME)) {
        char name[NetDevice::name_bytes] = {};
        auto text = a.text(IFLA_IFNAME);
        if (text.size() >= sizeof name)
            return Error::inval;
        text.copy(name, text.size());
        TRY(rename_device(d, name));
    }
    if (a.has(IFLA_MASTER))
        TRY(change_master(d, a.number(IFLA_MASTER)));
    if (m.ifi_change & abi_iff_promisc)
        d.set_promiscuous_by_hand((m.ifi_flags & abi_iff_promisc) != 0);
    if (!(m.ifi_change & abi_iff_up))
        return {};
    if (m.ifi_flags & abi_iff_up)
        return d.bring_up();
    d.bring_down();
    return {};
}

// "ip link add NAME type bridge" is the only kind that programs make.
Error create(ifinfomsg const &m, Attributes const &a)
{
    if (a.nested(IFLA_LINKINFO).text(IFLA_INFO_KIND) != "bridge")
        return Error::opnotsupp;
    char name[NetDevice::name_bytes] = "br%u";
    auto text = a.text(IFLA_IFNAME);
    if (text.size() >= sizeof name)
        return Error::inval;
    if (!text.empty())
        name[text.copy(name, text.size())] = 0;
    auto made = create_bridge(name);
    return made.ok() ? change(*made.value(), ifinfomsg{m.ifi_family, 0, 0, 0, m.ifi_flags, m.ifi_change}, a).error()
                     : made.error();
}
}  // namespace

unsigned interface_flags(NetDevice const &d)
{
    unsigned f = d.is_loopback() ? unsigned{abi_iff_loopback} : abi_iff_broadcast | abi_iff_multicast;
    if (d.up)
        f |= abi_iff_up;
    if (d.up && d.carrier)
        f |= abi_iff_running | abi_iff_lower_up;
    if (d.promiscuous_by_hand())
        f |= abi_iff_promisc;
    return f;
}

void write_link(MessageWriter &w, NetDevice const &d, std::uint16_t type, Addressee const &to)
{
    ifinfomsg m{};
    m.ifi_family = 0;
    m.ifi_type = d.is_loopback() ? abi_arphrd_loopback : abi_arphrd_ether;
    m.ifi_index = static_cast<int>(d.index);
    m.ifi_flags = interface_flags(d);
    w.begin(type, to.flags, to.sequence, to.port, m);
    w.text(IFLA_IFNAME, d.name);
    w.attribute(IFLA_TXQLEN, d.queue_limit);
    std::uint8_t state = d.is_loopback() ? abi_oper_unknown : d.up && d.carrier ? abi_oper_up : abi_oper_down;
    w.attribute(IFLA_OPERSTATE, state);
    w.attribute(IFLA_LINKMODE, std::uint8_t{0});
    w.attribute(IFLA_MTU, std::uint32_t{d.mtu});
    w.attribute(IFLA_MIN_MTU, std::uint32_t{68});
    w.attribute(IFLA_MAX_MTU, std::uint32_t{d.most_mtu});
    w.attribute(IFLA_GROUP, std::uint32_t{0});
    w.attribute(IFLA_PROMISCUITY, std::uint32_t{d.promiscuous});
    w.attribute(IFLA_NUM_TX_QUEUES, std::uint32_t{1});
    w.attribute(IFLA_NUM_RX_QUEUES, std::uint32_t{1});
    w.attribute(IFLA_CARRIER, std::uint8_t{d.carrier});
    w.text(IFLA_QDISC, d.is_loopback() || d.driver_name() == std::string_view{"bridge"} ? "noqueue" : "pfifo_fast");
    rtnl_link_ifmap map{};
    w.attribute(IFLA_MAP, map);
    std::uint8_t broadcast[6];
    std::memset(broadcast, d.is_loopback() ? 0 : 0xff, sizeof broadcast);
    w.attribute(IFLA_ADDRESS, d.mac.bytes);
    w.attribute(IFLA_BROADCAST, broadcast);
    put_statistics(w, d.counters);
    if (d.bridge)
        w.attribute(IFLA_MASTER, d.bridge->index);
    if (d.driver_name() == std::string_view{"bridge"}) {
        auto info = w.open_nested(IFLA_LINKINFO);
        w.text(IFLA_INFO_KIND, "bridge");
        w.close_nested(info);
    }
}

Error handle_link(NetlinkRequest const &r)
{
    auto m = r.family_header<ifinfomsg>();
    auto a = r.attributes<ifinfomsg>();
    if (r.header.nlmsg_type == RTM_GETLINK)
        return get(r, m, a);
    auto d = named(m, a);
    if (r.header.nlmsg_type == RTM_DELLINK)
        return !d ? Error::nodev : d->as_bridge() ? (d->bring_down(), delete_bridge(*d).error()) : Error::opnotsupp;
    if (d)
        return r.has(NLM_F_EXCL) ? Error::exist : change(*d, m, a).error();
    return r.has(NLM_F_CREATE) && r.header.nlmsg_type == RTM_NEWLINK ? create(m, a) : Error::nodev;
}
}  // namespace kernel::net
