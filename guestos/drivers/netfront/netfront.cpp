// SPDX-License-Identifier: MIT
// The interface, and how the two ends find together.
#include <drivers/netfront/netfront.hpp>
#include <kernel/log.hpp>

namespace netfront {
namespace {
// "00:16:3e:00:00:01". False: not an address.
bool read_mac(std::string_view text, kernel::net::MacAddress &out)
{
    auto digit = [](char c) {
        return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
    };
    if (text.size() != 17)
        return false;
    for (unsigned i = 0; i < 6; ++i) {
        int high = digit(text[i * 3]), low = digit(text[i * 3 + 1]);
        if (high < 0 || low < 0 || (i < 5 && text[i * 3 + 2] != ':'))
            return false;
        out.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return true;
}

void on_event(void *context) { static_cast<Interface *>(context)->request_poll(); }
}  // namespace

// --- the interface: lock held --------------------------------------------------------------------------------------------------------

// Nothing of the other end's is believed any more; the connection is given up by the thread that may sleep.
void Interface::broken(char const *what)
{
    failed_ = true;
    set_carrier(false);
    if (owner_)
        owner_->report_soon(what);
}

bool Interface::transmit(Packet &p)
{
    if (!connected || failed_) {
        ++counters.tx_dropped;
        p = Packet{};
        return true;
    }
    auto put = sending.put(p, (features & kernel::net::feature_scatter) != 0);
    if (put == TransmitSide::Put::no_room) {
        if (!sending.reap()) {
            broken("answered to what was not sent");
            return false;
        }
        put = sending.put(p, (features & kernel::net::feature_scatter) != 0);
    }
    if (put == TransmitSide::Put::no_memory) {
        ++counters.tx_dropped;
        p = Packet{};
        return true;
    }
    blocked_ = put == TransmitSide::Put::no_room;
    if (blocked_ && sending.ring->more())
        request_poll();
    return !blocked_;
}

void Interface::flush()
{
    if (connected && !failed_ && sending.push())
        transmit_port.notify();
}

unsigned Interface::poll(unsigned budget)
{
    if (!connected || failed_)
        return 0;
    if (!sending.reap()) {
        broken("answered to what was not sent");
        return 0;
    }
    if (blocked_) {
        blocked_ = false;
        transmit_ready();
    }
    unsigned done = 0;
    if (!receiving.take(budget, done, *this)) {
        broken("filled what it was not lent");
        return done;
    }
    receiving.refill();
    if (receiving.ring->push())
        (receive_port ? receive_port : transmit_port).notify();
    if (done < budget) {
        bool more = receiving.ring->more();
        more |= !sending.idle() && sending.ring->more();
        if (more)
            request_poll();
    }
    return done;
}

void Interface::connect()
{
    connected = true;
    failed_ = false;
    set_carrier(true);
    request_poll();
}

void Interface::disconnect()
{
    connected = false;
    set_carrier(false);
}

// --- finding together: the watch thread ----------------------------------------------------------------------------------------------

NetFront::~NetFront() = default;

void NetFront::report_soon(char const *what)
{
    what_ = what;
    if (report_work_.queued)
        return;
    ref();
    xenbus::on_watch_thread(report_work_);
}

void NetFront::report(void *context)
{
    auto self = static_cast<NetFront *>(context);
    self->fail(Error::proto, "the back end %s", self->what_);
    self->unref();
}

Result<> NetFront::make_interface()
{
    if (interface_)
        return {};
    auto made = TRY(kernel::make_ref<Interface>(*this));
    auto mac = TRY(read("mac"));
    if (!read_mac(mac.view(), made->mac) || made->mac.is_group())
        return Error::inval;
    made->most_mtu = 65535 - 18;
    auto mtu = number("mtu").value_or(1500);
    if (mtu >= 68 && mtu <= made->most_mtu)
        made->mtu = static_cast<std::uint16_t>(mtu);
    made->features = kernel::net::feature_checksum;
    kernel::net::Guard guard;
    TRY(kernel::net::register_device(made));
    interface_ = made;
    return {};
}

Result<> NetFront::open_ports(bool split)
{
    auto &i = *interface_;
    i.transmit_port = TRY(pv::EventPort::unbound(other_domain()));
    TRY(i.transmit_port.on_event(on_event, &i));
    if (split) {
        i.receive_port = TRY(pv::EventPort::unbound(other_domain()));
        TRY(i.receive_port.on_event(on_event, &i));
    }
    return {};
}

// One transaction: the back end sees all of it or nothing.
Result<> NetFront::publish(bool split)
{
    auto &i = *interface_;
    return xenbus::transact([&](xenbus::Tx tx) -> Result<> {
        TRY(write("tx-ring-ref", i.sending.ring.pages().ref(0), tx));
        TRY(write("rx-ring-ref", i.receiving.ring.pages().ref(0), tx));
        if (split) {
            TRY(write("event-channel-tx", i.transmit_port.raw(), tx));
            TRY(write("event-channel-rx", i.receive_port.raw(), tx));
        } else {
            TRY(write("event-channel", i.transmit_port.raw(), tx));
        }
        for (auto name : {"request-rx-copy", "feature-rx-notify", "feature-sg", "feature-gso-tcpv4",
                          "feature-gso-tcpv6", "feature-ipv6-csum-offload"})
            TRY(write(name, 1u, tx));
        return {};
    });
}

Result<xenbus::State> NetFront::offer()
{
    if (!other_feature("feature-rx-copy")) {
        fail(Error::opnotsupp, "the back end cannot copy (feature-rx-copy)");
        return Error::opnotsupp;
    }
    TRY(make_interface());
    bool split = other_feature("feature-split-event-channels") != 0;
    TRY(interface_->sending.open(other_domain()));
    TRY(interface_->receiving.open(other_domain()));
    TRY(open_ports(split));
    TRY(publish(split));
    return xenbus::State::connected;
}

Result<> NetFront::connect()
{
    using namespace kernel::net;
    std::uint32_t f = feature_checksum;
    if (other_feature("feature-sg")) {
        f |= feature_scatter;
        f |= other_feature("feature-gso-tcpv4") ? feature_train4 : 0u;
        f |= other_feature("feature-gso-tcpv6") ? feature_train6 : 0u;
    }
    if (!other_feature("feature-ipv6-csum-offload"))
        f &= ~(feature_checksum | feature_train4 | feature_train6);
    Guard guard;
    interface_->set_features(f);
    interface_->connect();
    kernel::log("%s: connected to domain %u, %02x:%02x:%02x:%02x:%02x:%02x%s%s%s", interface_->name, other_domain(),
                interface_->mac.bytes[0], interface_->mac.bytes[1], interface_->mac.bytes[2], interface_->mac.bytes[3],
                interface_->mac.bytes[4], interface_->mac.bytes[5], f & feature_scatter ? ", scatter" : "",
                f & feature_train4 ? ", segmentation" : "", interface_->receive_port ? ", two event channels" : "");
    return {};
}

void NetFront::disconnect()
{
    if (!interface_)
        return;
    auto &i = *interface_;
    i.transmit_port.release();
    i.receive_port.release();
    kernel::net::Guard guard;
    i.disconnect();
    i.sending.close();
    i.receiving.close();
}

void NetFront::removed()
{
    FrontEnd::removed();
    if (!interface_)
        return;
    kernel::net::Guard guard;
    interface_->owner_ = nullptr;
    kernel::net::unregister_device(*interface_);
    interface_ = nullptr;
}

XENBUS_DRIVER(netfront, {"vif", xenbus::Side::front, xenbus::make_device<NetFront>});
}  // namespace netfront
