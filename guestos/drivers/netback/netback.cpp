// SPDX-License-Identifier: MIT
// How a guest's interface and ours find together. On the watch thread.
#include <algorithm>
#include <drivers/netback/netback.hpp>
#include <kernel/command_line.hpp>
#include <kernel/log.hpp>
#include <kernel/net/bridge.hpp>
#include <lib/format.hpp>

namespace netback {
namespace {
constexpr char default_bridge[] = "xenbr0";

// "BYTES,MICROSECONDS"
bool read_rate(std::string_view text, std::uint64_t &bytes, std::uint64_t &micros)
{
    std::uint64_t *to = &bytes;
    bytes = micros = 0;
    for (char c : text) {
        if (c == ',' && to == &bytes)
            to = &micros;
        else if (c < '0' || c > '9' || *to > 1'000'000'000'000)
            return false;
        else
            *to = *to * 10 + static_cast<unsigned>(c - '0');
    }
    return bytes && micros;
}

// How many queues a guest may have.
unsigned queues_offered()
{
    auto wanted = kernel::number_option("xen_netback.max_queues=");
    return wanted ? std::min(wanted, pv::most_net_queues) : usual_queues;
}
}  // namespace

Result<> NetBack::make_vif()
{
    char name[16];
    format(name, sizeof name, "vif%u.%u", other_domain(), id());
    auto made = TRY(kernel::make_ref<Vif>(*this, name));
    kernel::net::Guard guard;
    TRY(kernel::net::register_device(made));
    vif_ = made;
    return {};
}

// The bridge that the guest's file names. One that is not there is made: guests of this domain then have a network among
// themselves, to which a real interface may be added.
Result<> NetBack::join_bridge()
{
    auto wanted = read("bridge");
    char name[16] = {};
    auto text = wanted.ok() ? wanted.value().view() : std::string_view{default_bridge};
    if (text.empty() || text.size() >= sizeof name)
        return Error::inval;
    text.copy(name, text.size());
    kernel::net::Guard guard;
    auto d = kernel::net::find_device(name);
    if (!d) {
        auto made = TRY(kernel::net::create_bridge(name));
        TRY(made->bring_up());
        d = made.get();
        kernel::log("netback: there was no bridge %s; it is made", name);
    }
    auto bridge = d->as_bridge();
    if (!bridge) {
        kernel::log("<3>netback: %s is no bridge", name);
        return Error::inval;
    }
    if (!vif_->bridge)
        TRY(bridge->add_port(*vif_));
    return vif_->bring_up();
}

Result<> NetBack::prepare()
{
    if (!vif_)
        TRY(make_vif());
    TRY(join_bridge());
    for (auto name : {"feature-rx-copy", "feature-sg", "feature-gso-tcpv4", "feature-gso-tcpv6",
                      "feature-ipv6-csum-offload", "feature-split-event-channels"})
        TRY(write(name, 1u));
    TRY(write("feature-rx-flip", 0u));
    TRY(write("multi-queue-max-queues", queues_offered()));
    return write("hotplug-status", "connected");
}

// Of one queue the nodes are in the guest's own folder, of more each has a folder there.
Result<> NetBack::open_queue(unsigned number, unsigned of, Gather::Pool const &pool)
{
    auto &q = *TRY(vif_->add_queue());
    auto node = [&](char const *name) { return other_number(pv::QueueNode{number, of, name}.path); };
    TRY(q.tx.open(other_domain(), TRY(node("tx-ring-ref")), pool));
    TRY(q.rx.open(other_domain(), TRY(node("rx-ring-ref"))));
    auto common = node("event-channel");
    auto sending = common.ok() ? common.value() : TRY(node("event-channel-tx"));
    q.tx_port = TRY(pv::EventPort::interdomain(other_domain(), sending));
    if (!common.ok())
        q.rx_port = TRY(pv::EventPort::interdomain(other_domain(), TRY(node("event-channel-rx"))));
    return vif_->listen(q);
}

void NetBack::read_limits()
{
    std::uint64_t bytes = 0, micros = 0;
    auto rate = read("rate");
    if (rate.ok() && !read_rate(rate.value().view(), bytes, micros))
        kernel::log("<4>%s: the rate \"%s\" is not BYTES,MICROSECONDS: there is no limit", vif_->name,
                    rate.value().c_str());
    kernel::net::Guard guard;
    vif_->rate.set(bytes, micros * 1000);
    vif_->mischief.loss = number("test-loss-permille").value_or(0);
    vif_->mischief.reorder = number("test-reorder-permille").value_or(0);
}

Result<> NetBack::connect()
{
    if (!other_feature("request-rx-copy"))
        return Error::opnotsupp;  // turning pages over went out of use with it
    auto count = other_feature("multi-queue-num-queues", 1);
    if (count == 0 || count > queues_offered()) {
        fail(Error::inval, "the guest asks for %u queues, of %u", count, queues_offered());
        return Error::inval;
    }
    auto pool = TRY(kernel::make_ref<kernel::net::FramePool>());
    for (unsigned i = 0; i < count; ++i)
        TRY(open_queue(i, count, pool));
    if (count > 1)
        kernel::log("%s: %u queues", vif_->name, count);
    read_limits();
    auto const features = pv::net_features(*this);
    kernel::net::Guard guard;
    vif_->set_features(features);
    vif_->connect();
    return {};
}

void NetBack::disconnect()
{
    if (!vif_)
        return;
    kernel::net::Guard guard;
    vif_->disconnect();
}

void NetBack::retire()
{
    if (!vif_)
        return;
    kernel::net::Guard guard;
    kernel::net::unregister_device(*vif_);
    vif_ = nullptr;
}

XENBUS_DRIVER(netback, {"vif", xenbus::Side::back, xenbus::make_device<NetBack>});
}  // namespace netback
