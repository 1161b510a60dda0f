// SPDX-License-Identifier: MIT
// The interface: packets to queues, and from them by turns. Lock held.
#include <drivers/netfront/netfront.hpp>

namespace netfront {
// False: the other end breaks the rules.
bool Interface::reap(TransmitSide &tx) { return tx.reap() || broken("the back end answered to what was not sent"); }

bool Interface::transmit(Packet &p)
{
    if (!usable())
        return dropped(p);
    auto &tx = queue_for(p).tx;
    if (!tx.has_room() && !reap(tx))
        return dropped(p);
    auto const put = tx.put(p, (features & kernel::net::feature_scatter) != 0);
    if (put == TransmitSide::Put::no_memory)
        return dropped(p);
    blocked_ = put == TransmitSide::Put::no_room;
    if (blocked_ && tx.ring->more())
        request_poll();
    return !blocked_;
}

void Interface::flush()
{
    for (unsigned i = 0; i < queue_count && usable(); ++i)
        if (queues[i]->tx.ring->push())
            queues[i]->tx_port.notify();
}

unsigned Interface::receive_from(Queue &q, unsigned budget)
{
    unsigned done = 0;
    if (!q.rx.take(budget, done, *this)) {
        broken("the back end filled what it was not lent");
        return done;
    }
    q.rx.refill();
    if (q.rx.ring->push())
        q.port_of_rx().notify();
    if (done < budget) {
        bool const filled = q.rx.ring->more(), sent = q.tx.ring->in_flight() && q.tx.ring->more();
        if (filled || sent)
            request_poll();
    }
    return done;
}

unsigned Interface::poll(unsigned budget)
{
    for (unsigned i = 0; i < queue_count && usable(); ++i)
        (void)reap(queues[i]->tx);
    if (!usable())
        return 0;
    go_on();
    return by_turns(budget, [this](Queue &q, unsigned share) { return receive_from(q, share); });
}
}  // namespace netfront
