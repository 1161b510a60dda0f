// SPDX-License-Identifier: MIT
// How a guest's interface and ours find together. On the watch thread.
#include <drivers/netback/netback.hpp>
#include <kernel/log.hpp>
#include <kernel/net/bridge.hpp>
#include <lib/format.hpp>

namespace netback {
namespace {
constexpr char default_bridge[] = "xenbr0";

void on_event(void *context) { static_cast<Vif *>(context)->request_poll(); }

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
}  // namespace

void NetBack::report_soon(char const *what)
{
    what_ = what;
    if (report_work_.queued)
        return;
    ref();
    xenbus::on_watch_thread(report_work_);
}

void NetBack::report(void *context)
{
    auto self = static_cast<NetBack *>(context);
    self->fail(Error::proto, "the guest %s", self->what_);
    self->unref();
}

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
    return write("hotplug-status", "connected");
}

Result<> NetBack::open_ports()
{
    auto &v = *vif_;
    auto common = other_number("event-channel");
    auto sending = common.ok() ? common.value() : TRY(other_number("event-channel-tx"));
    v.port = TRY(pv::EventPort::interdomain(other_domain(), sending));
    if (!common.ok())
        v.receive_port = TRY(pv::EventPort::interdomain(other_domain(), TRY(other_number("event-channel-rx"))));
    TRY(v.port.on_event(on_event, &v));
    return v.receive_port ? v.receive_port.on_event(on_event, &v) : Result<>{};
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

void NetBack::learn_features()
{
    using namespace kernel::net;
    std::uint32_t f = 0;
    if (!other_feature("feature-no-csum-offload") && other_feature("feature-ipv6-csum-offload"))
        f |= feature_checksum;
    if (other_feature("feature-sg")) {
        f |= feature_scatter;
        if (f & feature_checksum) {
            f |= other_feature("feature-gso-tcpv4") ? feature_train4 : 0u;
            f |= other_feature("feature-gso-tcpv6") ? feature_train6 : 0u;
        }
    }
    Guard guard;
    vif_->set_features(f);
    vif_->connect();
}

Result<> NetBack::connect()
{
    if (!other_feature("request-rx-copy"))
        return Error::opnotsupp;  // turning pages over went out of use with it
    auto sending = TRY(other_number("tx-ring-ref")), receiving = TRY(other_number("rx-ring-ref"));
    TRY(vif_->from_guest.open(other_domain(), sending));
    TRY(vif_->to_guest.open(other_domain(), receiving));
    TRY(open_ports());
    read_limits();
    learn_features();
    return {};
}

void NetBack::disconnect()
{
    if (!vif_)
        return;
    auto &v = *vif_;
    v.port.release();
    v.receive_port.release();
    kernel::net::Guard guard;
    v.disconnect();
    v.from_guest.close();
    v.to_guest.close();
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
