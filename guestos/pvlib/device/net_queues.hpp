// SPDX-License-Identifier: MIT
// What both ends of netif.h's protocol have in common: an interface of the kernel's over pairs of rings. Both ends choose a pair for
// each packet; packets of one flow take the same one. The rings have the names that they have for the front end, at either end:
//
//   front end                                   back end
//     Tx  ------- parts of packets -- tx ring -->  Tx
//     Rx  <------ pages, filled ----- rx ring ---  Rx
#pragma once
#include <cstring>
#include <kernel/net/device.hpp>
#include <kernel/net/flow.hpp>
#include <lib/format.hpp>
#include <pv/io/netif.h>
#include <pvlib/device/event_port.hpp>
#include <pvlib/device/xenbus.hpp>

namespace pv {
inline constexpr unsigned most_net_queues = 8;

// Tx, Rx: what an end does with either ring. They have `ring`, and give back what they hold when they are destroyed.
template <class TxSide, class RxSide>
struct NetQueue {
    TxSide tx;
    RxSide rx;
    EventPort tx_port, rx_port;  // one and the same where an end has no split channels
    EventPort &port_of_rx() { return rx_port ? rx_port : tx_port; }
};

template <class Queue>
class NetQueues : public kernel::net::NetDevice {
public:
    // The owner outlives the connection.
    NetQueues(xenbus::Device &owner, char const *name_) : NetDevice{Kind::ethernet, name_}, owner_{owner}
    {
        most_mtu = 65535 - 18;
        carrier = false;
    }
    // --- no lock: these may sleep ---
    Result<Queue *> add_queue()
    {
        auto &made = queues[queue_count];
        made.reset(new (std::nothrow) Queue);
        if (!made)
            return Error::nomem;
        ++queue_count;
        return made.get();
    }
    Result<> listen(Queue &q)  // to the ports that it has
    {
        auto on_event = [](void *self) { static_cast<NetQueues *>(self)->request_poll(); };
        TRY(q.tx_port.on_event(on_event, this));
        return q.rx_port ? q.rx_port.on_event(on_event, this) : Result<>{};
    }
    // --- lock held ---
    void connect()
    {
        connected_ = true;
        failed_ = blocked_ = false;
        set_carrier(true);
        request_poll();
    }
    void disconnect()  // ends the queues
    {
        connected_ = false;
        set_carrier(false);
        while (queue_count)
            queues[--queue_count].reset();
    }

    std::unique_ptr<Queue> queues[most_net_queues];
    unsigned queue_count = 0;

protected:
    bool usable() const { return connected_ && !failed_; }
    // Nothing of the other end's is believed any more; the connection is given up by the thread that may sleep. False.
    bool broken(char const *what)
    {
        failed_ = true;
        set_carrier(false);
        owner_.fail_soon(what);
        return false;
    }
    bool dropped(kernel::net::Packet &p)  // transmit()'s answer of a packet that nobody will see
    {
        ++counters.tx_dropped;
        p = kernel::net::Packet{};
        return true;
    }
    Queue &queue_for(kernel::net::Packet const &p)  // precondition: usable()
    {
        return *queues[queue_count > 1 ? kernel::net::flow_hash(p.get()) % queue_count : 0];
    }
    void go_on()  // sends what waited for room
    {
        if (std::exchange(blocked_, false))
            transmit_ready();
    }
    // poll()'s work: take(queue, share) gives the number of packets that it took, `share` or more if there may be others. However many
    // queues there are, the interface has one budget; they take turns at being the first.
    template <class F>
    unsigned by_turns(unsigned budget, F take)
    {
        auto const share = budget / queue_count, first = first_queue_++;
        unsigned all = 0;
        bool busy = false;
        for (unsigned i = 0; i < queue_count && usable(); ++i) {
            auto const taken = take(*queues[(first + i) % queue_count], share);
            all += taken;
            busy |= taken >= share;
        }
        return busy ? budget : all;
    }
    bool blocked_ = false;  // transmit() had no room

private:
    xenbus::Device &owner_;
    unsigned first_queue_ = 0;  // of the next turn
    bool connected_ = false, failed_ = false;
};

// Where a queue's nodes stand: of one queue in the front end's own folder, of several each has a folder of its own there,
// "queue-N". Source: xen/io/netif.h, "multi-queue-num-queues".
struct QueueNode {
    char path[40];
    QueueNode(unsigned number, unsigned of, char const *name)  // `name` of at most 28 characters
    {
        if (of > 1)
            format(path, sizeof path, "queue-%u/%s", number, name);
        else
            format(path, sizeof path, "%s", name);
    }
};

// What the other end takes, by its nodes. Without checksums there are no trains: nobody could complete their segments.
inline std::uint32_t net_features(xenbus::Device const &d)
{
    using namespace kernel::net;
    bool const blank = !d.other_feature("feature-no-csum-offload") && d.other_feature("feature-ipv6-csum-offload");
    bool const scatter = d.other_feature("feature-sg"), trains = blank && scatter;
    return (blank ? feature_checksum : 0u) | (scatter ? feature_scatter : 0u)
        | (trains && d.other_feature("feature-gso-tcpv4") ? feature_train4 : 0u)
        | (trains && d.other_feature("feature-gso-tcpv6") ? feature_train6 : 0u);
}

// The slot behind a train's first one.
template <class Slot>
Slot train_slot(kernel::net::Packet const &p)
{
    kernel::net::Headers h;
    (void)kernel::net::parse_headers(p.get(), h);
    netif_extra_info extra{};
    extra.type = XEN_NETIF_EXTRA_TYPE_GSO;
    extra.u.gso.size = p->segment_bytes;
    extra.u.gso.type = h.version == 6 ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4;
    Slot slot{};
    static_assert(sizeof extra <= sizeof slot);
    std::memcpy(&slot, &extra, sizeof extra);
    return slot;
}
}  // namespace pv
