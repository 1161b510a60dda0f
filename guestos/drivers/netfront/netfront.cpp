// SPDX-License-Identifier: MIT
// How the two ends find together: the watch thread.
#include <algorithm>
#include <drivers/netfront/netfront.hpp>
#include <kernel/command_line.hpp>
#include <kernel/log.hpp>

namespace netfront {
namespace {
// "00:16:3e:00:00:01". False: not an address.
bool read_mac(std::string_view text, kernel::net::MacAddress &out)
{
    bool good = text.size() == 17;
    for (unsigned i = 0; good && i < 6; ++i) {
        auto const byte = xenbus::parse_number(text.substr(i * 3, 2), 16);
        good = byte.ok() && (i == 5 || text[i * 3 + 2] == ':');
        out.bytes[i] = static_cast<std::uint8_t>(byte.value_or(0));
    }
    return good;
}
}  // namespace

Result<> NetFront::make_interface()
{
    auto made = TRY(kernel::make_ref<Interface>(*this));
    auto mac = TRY(read("mac"));
    if (!read_mac(mac.view(), made->mac) || made->mac.is_group())
        return Error::inval;
    auto const mtu = number("mtu").value_or(made->mtu);
    kernel::net::Guard guard;
    TRY(kernel::net::register_device(made));
    (void)made->change_mtu(mtu);  // one that cannot be changes nothing
    interface_ = made;
    return {};
}

Result<> NetFront::open_queue()
{
    auto &q = *TRY(interface_->add_queue());
    TRY(q.tx.open(other_domain()));
    TRY(q.rx.open(other_domain()));
    q.tx_port = TRY(pv::EventPort::unbound(other_domain()));
    if (other_feature("feature-split-event-channels"))
        q.rx_port = TRY(pv::EventPort::unbound(other_domain()));
    return interface_->listen(q);
}

Result<> NetFront::publish_queue(unsigned number, xenbus::Tx tx)
{
    auto &q = *interface_->queues[number];
    auto put = [&](char const *name, std::uint32_t value) {
        return write(pv::QueueNode{number, interface_->queue_count, name}.path, value, tx);
    };
    TRY(put("tx-ring-ref", q.tx.ring.pages().ref(0)));
    TRY(put("rx-ring-ref", q.rx.ring.pages().ref(0)));
    TRY(put(q.rx_port ? "event-channel-tx" : "event-channel", q.tx_port.raw()));
    return q.rx_port ? put("event-channel-rx", q.rx_port.raw()) : Result<>{};
}

// One transaction: the back end sees all of it or nothing.
Result<> NetFront::publish()
{
    return xenbus::transact([&](xenbus::Tx tx) -> Result<> {
        if (other_feature("multi-queue-max-queues"))
            TRY(write("multi-queue-num-queues", interface_->queue_count, tx));
        for (unsigned i = 0; i < interface_->queue_count; ++i)
            TRY(publish_queue(i, tx));
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
    if (!interface_)
        TRY(make_interface());
    // A queue for each virtual processor is of use, and this kernel has one; a word of its command line asks for more.
    auto const wanted = std::min({kernel::number_option("xen_netfront.max_queues="),
                                  other_feature("multi-queue-max-queues", 1), pv::most_net_queues});
    for (unsigned i = 0; i < std::max(wanted, 1u); ++i)
        TRY(open_queue());
    TRY(publish());
    return xenbus::State::connected;
}

Result<> NetFront::connect()
{
    using namespace kernel::net;
    auto const f = pv::net_features(*this);
    Guard guard;
    interface_->set_features(f);
    interface_->connect();
    auto const &i = *interface_;
    kernel::log("%s: connected to domain %u, %s%s%s%s, %u %s", i.name, other_domain(), MacText{i.mac.bytes}.text,
                f & feature_scatter ? ", scatter" : "", f & feature_train4 ? ", segmentation" : "",
                i.queues[0]->rx_port ? ", two event channels" : "", i.queue_count,
                i.queue_count > 1 ? "queues" : "queue");
    return {};
}

void NetFront::disconnect()
{
    kernel::net::Guard guard;
    if (interface_)
        interface_->disconnect();
}

void NetFront::removed()
{
    FrontEnd::removed();
    kernel::net::Guard guard;
    if (interface_)
        kernel::net::unregister_device(*interface_);
    interface_ = nullptr;
}

XENBUS_DRIVER(netfront, {"vif", xenbus::Side::front, xenbus::make_device<NetFront>});
}  // namespace netfront
