// SPDX-License-Identifier: MIT
// The interface: packets to queues, and from them by turns. Lock held.
#include <drivers/netfront/netfront.hpp>
#include <kernel/net/flow.hpp>

namespace netfront {
// Nothing of the other end's is believed any more; the connection is given up by the thread that may sleep.
void Interface::broken(char const *what)
{
    failed_ = true;
    set_carrier(false);
    if (owner_)
        owner_->report_soon(what);
}

Queue &Interface::queue_for(Packet const &p)
{
    return *queues[queue_count > 1 ? kernel::net::flow_hash(p.get()) % queue_count : 0];
}

bool Interface::transmit(Packet &p)
{
    if (!connected || failed_) {
        ++counters.tx_dropped;
        p = Packet{};
        return true;
    }
    auto &sending = queue_for(p).sending;
    auto put = sending.put(p, (features & kernel::net::feature_scatter) != 0);
    if (put == TransmitSide::Put::no_room) {
        if (!sending.reap()) {
            broken("answered to what was not sent");
            p = Packet{};
            return true;
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
    if (!connected || failed_)
        return;
    for (unsigned i = 0; i < queue_count; ++i)
        if (queues[i]->sending.push())
            queues[i]->transmit_port.notify();
}

// False: the other end breaks the rules.
bool Interface::receive_from(Queue &q, unsigned budget, unsigned &done)
{
    if (!q.receiving.take(budget, done, *this)) {
        broken("filled what it was not lent");
        return false;
    }
    q.receiving.refill();
    if (q.receiving.ring->push())
        q.port_of_receive().notify();
    if (done < budget) {
        bool more = q.receiving.ring->more();
        more |= !q.sending.idle() && q.sending.ring->more();
        if (more)
            request_poll();
    }
    return true;
}

unsigned Interface::poll(unsigned budget)
{
    if (!connected || failed_)
        return 0;
    for (unsigned i = 0; i < queue_count; ++i)
        if (!queues[i]->sending.reap()) {
            broken("answered to what was not sent");
            return 0;
        }
    if (blocked_) {
        blocked_ = false;
        transmit_ready();
    }
    auto const share = budget / queue_count;
    unsigned all = 0;
    bool busy = false;
    for (unsigned i = 0; i < queue_count && !failed_; ++i) {
        unsigned done = 0;
        if (!receive_from(*queues[i], share, done))
            return all + done;
        all += done;
        busy |= done == share;
    }
    return busy ? budget : all;
}

void Interface::connect()
{
    connected = true;
    failed_ = blocked_ = false;
    set_carrier(true);
    request_poll();
}

void Interface::disconnect()
{
    connected = false;
    set_carrier(false);
    while (queue_count) {
        auto &q = queues[--queue_count];
        q->sending.close();
        q->receiving.close();
        q.reset();
    }
}
}  // namespace netfront
