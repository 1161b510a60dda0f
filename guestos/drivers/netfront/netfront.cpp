// SPDX-License-Identifier: MIT
// How the two ends find together: the watch thread.
#include <algorithm>
#include <drivers/netfront/netfront.hpp>
#include <kernel/command_line.hpp>
#include <kernel/log.hpp>
#include <pvlib/device/queue_node.hpp>

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

// One for each virtual processor is of use, and this kernel has one; a word of its command line asks for more.
unsigned queues_wanted(unsigned offered)
{
    auto wanted = std::max(kernel::number_option("xen_netfront.max_queues="), 1u);
    return std::min({wanted, offered, most_queues});
}
}  // namespace

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

Result<> NetFront::open_queue(unsigned number, bool split)
{
    auto &i = *interface_;
    std::unique_ptr<Queue> made{new (std::nothrow) Queue};
    if (!made)
        return Error::nomem;
    auto &q = *made;
    i.queues[number] = std::move(made);
    i.queue_count = number + 1;
    TRY(q.sending.open(other_domain()));
    TRY(q.receiving.open(other_domain()));
    q.transmit_port = TRY(pv::EventPort::unbound(other_domain()));
    TRY(q.transmit_port.on_event(on_event, &i));
    if (split) {
        q.receive_port = TRY(pv::EventPort::unbound(other_domain()));
        TRY(q.receive_port.on_event(on_event, &i));
    }
    return {};
}

// Of more than one queue each has a folder of its own.
Result<> NetFront::publish_queue(unsigned number, bool split, xenbus::Tx tx)
{
    auto &q = *interface_->queues[number];
    auto put = [&](char const *name, std::uint32_t value) {
        return write(pv::QueueNode{number, interface_->queue_count, name}.path, value, tx);
    };
    TRY(put("tx-ring-ref", q.sending.ring.pages().ref(0)));
    TRY(put("rx-ring-ref", q.receiving.ring.pages().ref(0)));
    if (!split)
        return put("event-channel", q.transmit_port.raw());
    TRY(put("event-channel-tx", q.transmit_port.raw()));
    return put("event-channel-rx", q.receive_port.raw());
}

// One transaction: the back end sees all of it or nothing.
Result<> NetFront::publish(bool split)
{
    return xenbus::transact([&](xenbus::Tx tx) -> Result<> {
        if (other_feature("multi-queue-max-queues"))
            TRY(write("multi-queue-num-queues", interface_->queue_count, tx));
        for (unsigned i = 0; i < interface_->queue_count; ++i)
            TRY(publish_queue(i, split, tx));
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
    auto count = queues_wanted(other_feature("multi-queue-max-queues", 1));
    for (unsigned i = 0; i < std::max(count, 1u); ++i)
        TRY(open_queue(i, split));
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
    auto const &i = *interface_;
    auto const &mac = i.mac.bytes;
    kernel::log("%s: connected to domain %u, %02x:%02x:%02x:%02x:%02x:%02x%s%s%s, %u %s", i.name, other_domain(),
                mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], f & feature_scatter ? ", scatter" : "",
                f & feature_train4 ? ", segmentation" : "", i.queues[0]->receive_port ? ", two event channels" : "",
                i.queue_count, i.queue_count > 1 ? "queues" : "queue");
    return {};
}

void NetFront::disconnect()
{
    if (!interface_)
        return;
    auto &i = *interface_;
    for (unsigned n = 0; n < i.queue_count; ++n) {
        i.queues[n]->transmit_port.release();
        i.queues[n]->receive_port.release();
    }
    kernel::net::Guard guard;
    i.disconnect();
}

void NetFront::removed()
{
    FrontEnd::removed();
    if (!interface_)
        return;
    kernel::net::Guard guard;
    interface_->forget_owner();
    kernel::net::unregister_device(*interface_);
    interface_ = nullptr;
}

XENBUS_DRIVER(netfront, {"vif", xenbus::Side::front, xenbus::make_device<NetFront>});
}  // namespace netfront
