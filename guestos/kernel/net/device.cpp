// SPDX-License-Identifier: MIT
// What is received goes up, what is sent goes down, and what the driver cannot do is done for it.
#include <cstring>
#include <kernel/lazy.hpp>
#include <kernel/net/bridge.hpp>
#include <kernel/net/device.hpp>
#include <kernel/net/interface.hpp>
#include <kernel/net/notify.hpp>
#include <kernel/net/thread.hpp>
#include <kernel/net/train.hpp>
#include <kernel/random.hpp>
#include <lib/format.hpp>

namespace kernel::net {
namespace {
constinit Lazy<TapList> all_taps;
}
TapList &taps_of_all() { return *all_taps; }

MacAddress random_mac()
{
    MacAddress m;
    random_bytes(m.bytes, sizeof m.bytes);
    m.bytes[0] = static_cast<std::uint8_t>((m.bytes[0] & ~1u) | 2u);
    return m;
}

MacText::MacText(std::uint8_t const (&b)[6])
{
    format(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

NetDevice::NetDevice(Kind kind_, char const *name_) : kind{kind_} { format(name, sizeof name, "%s", name_); }

NetDevice::~NetDevice() { ASSERT(!bridge && !dirty_ && !poll_wanted_); }

void NetDevice::show_taps(pbuf *p, bool outgoing)
{
    for (auto *list : {&taps, &taps_of_all()})
        for (auto at = list->begin(); at != list->end();) {
            auto &tap = *at++;
            tap.see(*this, p, outgoing);
        }
}

void NetDevice::receive(Packet p)
{
    if (!up || p.bytes() < (is_loopback() ? 1u : ethernet_header_bytes)) {
        ++counters.rx_dropped;
        return;
    }
    ++counters.rx_packets;
    counters.rx_bytes += p.bytes();
    if (!is_loopback() && (*static_cast<unsigned char const *>(p->payload) & 1))
        ++counters.rx_multicast;
    if (!taps.empty() || !taps_of_all().empty())
        show_taps(p.get(), false);
    if (bridge)
        bridge->forward(*this, std::move(p));
    else
        deliver_locally(std::move(p));
}

void NetDevice::send(Packet p)
{
    if (!up || !carrier) {
        ++counters.tx_dropped;
        return;
    }
    if (!dirty_) {
        dirty_ = true;
        schedule_drain(*this);
    }
    auto train = p->segment_bytes == 0 && (features & (feature_train4 | feature_train6))
        && p.checksum() == Checksum::blank;
    if (train)
        return join_train(std::move(p));
    if (train_)
        offload(depart(std::move(train_)));
    offload(std::move(p));
}

// Segments that lwIP sends one after the other leave as one packet.
void NetDevice::join_train(Packet p)
{
    if (train_) {
        if (couple(train_, p))
            return;
        offload(depart(std::move(train_)));
    }
    train_ = std::move(p);
}

// Does what the driver does not.
void NetDevice::offload(Packet p)
{
    if (!p) {
        ++counters.tx_dropped;  // no memory
        return;
    }
    if (p.is_train()) {
        Headers h;
        bool known = parse_headers(p.get(), h);
        if (!known || !(features & (h.version == 4 ? feature_train4 : feature_train6))) {
            auto each = [](void *self, Packet part) { static_cast<NetDevice *>(self)->offload(std::move(part)); };
            p->segment_bytes = known ? p->segment_bytes : u16_t{0};
            if (p.is_train()) {
                if (!split_train(std::move(p), each, this))
                    ++counters.tx_dropped;
                return;
            }
        }
    } else if (p.bytes() > mtu + ethernet_header_bytes + 4u) {
        ++counters.tx_dropped;  // a bridge's other port has a larger MTU
        return;
    }
    if (p.checksum() == Checksum::blank && !(features & feature_checksum))
        p = with_complete_checksum(std::move(p));
    if (p && p->next && !(features & feature_scatter))
        p = flattened(std::move(p));
    if (p)
        enqueue(std::move(p));
    else
        ++counters.tx_dropped;
}

void NetDevice::enqueue(Packet p)
{
    if (!taps.empty() || !taps_of_all().empty())
        show_taps(p.get(), true);
    auto n = p.bytes();
    if (queue_.empty() && transmit(p)) {
        driver_dirty_ = true;
    } else if (!p) {
        // the driver dropped it
    } else if (queue_.count() >= queue_limit || queued_bytes_ >= queue_byte_limit || !queue_.push(std::move(p))) {
        ++counters.tx_dropped;
        return;
    } else {
        queued_bytes_ += n;
    }
    ++counters.tx_packets;
    counters.tx_bytes += n;
}

void NetDevice::transmit_ready()
{
    while (!queue_.empty()) {
        auto p = queue_.pop();
        auto n = p.bytes();
        queued_bytes_ -= n;
        if (!transmit(p)) {
            queued_bytes_ += n;
            queue_.unpop(std::move(p));
            break;
        }
        driver_dirty_ = true;
    }
    if (std::exchange(driver_dirty_, false))
        flush();
}

void NetDevice::drain()
{
    dirty_ = false;
    if (train_)
        offload(depart(std::move(train_)));
    if (std::exchange(driver_dirty_, false))
        flush();
}

Result<> NetDevice::bring_up()
{
    if (up)
        return {};
    TRY(start());
    up = true;
    netif_set_up(&netif);
    interface_came_up(*this);
    notify_link(*this);
    return {};
}

void NetDevice::bring_down()
{
    if (!up)
        return;
    interface_goes_down(*this);
    netif_set_down(&netif);
    up = false;
    drop_queued();
    stop();
    notify_link(*this);
}

void NetDevice::drop_queued()
{
    counters.tx_dropped += queue_.count() + (train_ ? 1u : 0u);
    train_ = Packet{};
    queue_.clear();
    queued_bytes_ = 0;
}

void NetDevice::set_carrier(bool on)
{
    if (carrier == on)
        return;
    carrier = on;
    if (on)
        netif_set_link_up(&netif);
    else
        netif_set_link_down(&netif);
    if (!on)  // TCP does not send again what it finds still on its way out
        drop_queued();
    notify_link(*this);
}

Result<> NetDevice::change_mtu(std::uint32_t n)
{
    constexpr std::uint32_t least_mtu = 68;
    if (n < least_mtu || n > most_mtu)
        return Error::inval;
    mtu = static_cast<std::uint16_t>(n);
    netif.mtu = netif.mtu6 = mtu;
    notify_link(*this);
    return {};
}

void NetDevice::set_promiscuous_by_hand(bool on)
{
    if (promiscuous_by_hand_ == on)
        return;
    promiscuous_by_hand_ = on;
    promiscuous += on ? 1u : ~0u;
    receive_mode_changed();
    notify_link(*this);
}

Result<> NetDevice::change_mac(MacAddress const &m)
{
    if (m.is_group() || m == MacAddress{})
        return Error::addrnotavail;
    TRY(set_mac(m));
    mac = m;
    std::memcpy(netif.hwaddr, m.bytes, sizeof m.bytes);
    notify_link(*this);
    return {};
}
}  // namespace kernel::net
