// SPDX-License-Identifier: MIT
// The loopback interface, lo. Packets arrive when the sender releases the network lock: in the sender's own time, without a change of
// threads. They are IP packets without a link header.
#include <cstring>
#include <kernel/net/device.hpp>
#include <kernel/net/interface.hpp>
#include <kernel/net/lock.hpp>
#include <kernel/net/parts.hpp>
#include <kernel/net/thread.hpp>
#include <lib/panic.hpp>
#include <lwip/def.h>

namespace kernel::net {
namespace {
class Loopback final : public NetDevice {
public:
    Loopback() : NetDevice{Kind::loopback, "lo"}
    {
        mtu = most_mtu = 65535;
        features = feature_scatter | feature_checksum;
    }
    char const *driver_name() const override { return "loopback"; }
    bool transmit(Packet &p) override
    {
        if (waiting_.count() >= queue_limit || !waiting_.push(std::move(p))) {
            ++counters.tx_dropped;
            p = Packet{};
        }
        return true;
    }
    void flush() override { serve(budget); }
    unsigned poll(unsigned n) override { return serve(n); }
    void stop() override { waiting_.clear(); }
    void loop(NetDevice &d, Packet p)
    {
        p->if_idx = static_cast<u8_t>(d.index);
        if (waiting_.push(std::move(p)))
            request_poll();
    }

private:
    static constexpr unsigned budget = 16;
    unsigned serve(unsigned n)
    {
        unsigned done = 0;
        for (; done < n && !waiting_.empty(); ++done)
            arrive(waiting_.pop());
        if (!waiting_.empty())
            request_poll();
        return done;
    }
    void arrive(Packet p)
    {
        if (p->if_idx && p->if_idx != index) {
            if (auto d = find_device(p->if_idx); d && d->up)
                d->deliver_locally(std::move(p));
            return;
        }
        auto const own = netif.ip_addr;
        as_owner(p.get());
        receive(std::move(p));
        netif.ip_addr = own;
    }
    // lwIP knows one IPv4 address of this interface, but all of 127/8 is ours, and what is sent to another interface's address
    // comes this way too: for the time of this packet the interface has its destination's address.
    void as_owner(pbuf const *p)
    {
        constexpr unsigned destination_offset = 16;
        auto start = static_cast<unsigned char const *>(p->payload);
        if (p->len < 20 || start[0] >> 4 != 4)
            return;
        ip4_addr_t to;
        std::memcpy(&to, start + destination_offset, sizeof to);
        if (is_loopback4(to) || owner_of(to))
            *ip_2_ip4(&netif.ip_addr) = to;
    }
    PacketQueue waiting_;
};

constinit Loopback *the_loopback = nullptr;
}  // namespace

NetDevice &loopback() { return *the_loopback; }
void loop_to(NetDevice &d, Packet p) { the_loopback->loop(d, std::move(p)); }

void start_loopback()
{
    auto made = make_ref<Loopback>();
    if (!made.ok())
        panic("no memory for the loopback interface");
    the_loopback = made.value().get();
    Guard guard;
    if (!register_device(made.value()).ok())
        panic("no memory for the loopback interface");
    Address4 own;
    own.local.addr = PP_HTONL(0x7f00'0001);
    own.mask = mask_of_bits(8);
    set_address(*the_loopback, own);
    ip6_addr_t own6{};
    own6.addr[3] = PP_HTONL(1);
    (void)add_address6(*the_loopback, own6, 128);
    (void)the_loopback->bring_up();
}
}  // namespace kernel::net
