// SPDX-License-Identifier: MIT
#include <arch/clock.hpp>
#include <cstring>
#include <kernel/net/bridge.hpp>
#include <kernel/net/notify.hpp>
#include <kernel/net/train.hpp>

namespace kernel::net {
namespace {
// A station is looked for in the four slots of its bucket, so no sender of invented addresses gets hold of the whole table, and
// every lookup takes the same short time.
constexpr unsigned slots_each = 4;

MacAddress address_at(Packet const &p, unsigned offset)
{
    MacAddress m;
    pbuf_copy_partial(p.get(), m.bytes, sizeof m.bytes, static_cast<u16_t>(offset));
    return m;
}

// 01:80:c2:00:00:0x is for bridges themselves and stays on its link.
bool is_link_local(MacAddress const &m)
{
    static constexpr std::uint8_t prefix[] = {0x01, 0x80, 0xc2, 0x00, 0x00};
    return std::memcmp(m.bytes, prefix, sizeof prefix) == 0 && m.bytes[5] < 0x10;
}
}  // namespace

Bridge::Bridge(char const *name_) : NetDevice{Kind::ethernet, name_}
{
    mac = random_mac();
    features = feature_scatter | feature_checksum | feature_train4 | feature_train6;  // done at the port that lacks them
    most_mtu = 9000;
}

Bridge::~Bridge() = default;

Bridge::Station *Bridge::bucket(MacAddress const &m)
{
    std::uint32_t hash = 2166136261u;
    for (auto b : m.bytes)
        hash = (hash ^ b) * 16777619u;
    return &stations_[(hash ^ hash >> 15) % (station_slots / slots_each) * slots_each];
}

void Bridge::learn(NetDevice &port, MacAddress const &m)
{
    if (m.is_group() || m == mac)
        return;
    auto now = arch::now_ns();
    auto b = bucket(m);
    Station *oldest = b;
    for (unsigned i = 0; i < slots_each; ++i) {
        if (b[i].port && b[i].mac == m) {
            b[i].port = port.index;
            b[i].seen_ns = now;
            return;
        }
        if (!b[i].port || (oldest->port && b[i].seen_ns < oldest->seen_ns))
            oldest = &b[i];
    }
    *oldest = {m, port.index, now};
}

// False: not known. Null: it is nowhere.
bool Bridge::find(MacAddress const &m, NetDevice *&port)
{
    auto b = bucket(m);
    for (unsigned i = 0; i < slots_each; ++i)
        if (b[i].port && b[i].mac == m) {
            bool const away = b[i].port == nowhere;
            if (arch::now_ns() - b[i].seen_ns > (away ? away_ns : ageing_ns)) {
                b[i].port = 0;
                return false;
            }
            port = away ? nullptr : find_device(b[i].port);
            return away || port;
        }
    return false;
}

void Bridge::forget(NetDevice const &port)
{
    auto now = arch::now_ns();
    for (auto &s : stations_)
        if (s.port == port.index) {
            s.port = nowhere;
            s.seen_ns = now;
        }
}

void Bridge::flood(NetDevice *except, Packet p)
{
    for (auto &d : devices())
        if (d.bridge == this && &d != except && d.up)
            d.send(Packet::share(p.get()));
}

void Bridge::forward(NetDevice &from, Packet p)
{
    auto to = address_at(p, 0);
    learn(from, address_at(p, 6));
    if (is_link_local(to) || !up)
        return;
    if (to.is_group()) {
        flood(&from, Packet::share(p.get()));
        return receive(std::move(p));
    }
    if (to == mac)
        return receive(std::move(p));
    NetDevice *port = nullptr;
    if (!find(to, port))
        flood(&from, std::move(p));
    else if (port && port != &from)
        port->send(std::move(p));
}

// From this machine.
bool Bridge::transmit(Packet &p)
{
    auto to = address_at(p, 0);
    NetDevice *port = nullptr;
    if (to.is_group() || !find(to, port))
        flood(nullptr, std::move(p));
    else if (port)
        port->send(std::move(p));
    p = Packet{};
    return true;
}

Result<> Bridge::set_mac(MacAddress const &)
{
    own_mac_chosen_ = true;
    return {};
}

// As long as nobody gave the bridge an address it has that of its first port, so that it keeps the same from boot to boot.
Result<> Bridge::add_port(NetDevice &d)
{
    if (d.bridge)
        return Error::busy;
    if (d.is_loopback())
        return Error::inval;
    if (d.as_bridge())
        return Error::loop;
    d.bridge = this;
    ++d.promiscuous;
    d.receive_mode_changed();
    constexpr std::uint8_t back_end = 0xfe;  // fe:ff:ff:ff:ff:ff, which all back ends share
    if (!own_mac_chosen_ && d.mac.bytes[0] != back_end) {
        own_mac_chosen_ = true;
        mac = d.mac;
        std::memcpy(netif.hwaddr, mac.bytes, sizeof mac.bytes);
        notify_link(*this);
    }
    if (d.mtu < mtu)
        (void)change_mtu(d.mtu);
    notify_link(d);
    return {};
}

Result<> Bridge::remove_port(NetDevice &d)
{
    if (d.bridge != this)
        return Error::inval;
    d.bridge = nullptr;
    --d.promiscuous;
    d.receive_mode_changed();
    forget(d);
    notify_link(d);
    return {};
}

void Bridge::remove_all_ports()
{
    for (auto &d : devices())
        if (d.bridge == this)
            (void)remove_port(d);
}

Result<Ref<NetDevice>> create_bridge(char const *name)
{
    auto made = Ref<NetDevice>{TRY(make_ref<Bridge>(name))};
    TRY(register_device(made));
    return made;
}

Result<> delete_bridge(NetDevice &d)
{
    auto b = d.as_bridge();
    if (!b)
        return Error::perm;
    if (d.up)
        return Error::busy;
    Ref<NetDevice> keep{&d};
    b->remove_all_ports();
    unregister_device(d);
    return {};
}
}  // namespace kernel::net
