// SPDX-License-Identifier: MIT
// Our interface of a guest's: packets in both directions, by turns. Lock held.
#include <drivers/netback/netback.hpp>
#include <kernel/random.hpp>

namespace netback {
void RateLimit::set(std::uint64_t bytes, std::uint64_t interval_ns)
{
    bytes_ = bytes;
    interval_ns_ = bytes ? interval_ns : 0;
    credit_ = static_cast<std::int64_t>(bytes);
    refilled_ns_ = arch::now_ns();
}

bool RateLimit::exhausted(std::uint64_t now)
{
    if (!interval_ns_)
        return false;
    if (auto passed = (now - refilled_ns_) / interval_ns_) {
        refilled_ns_ += passed * interval_ns_;
        // What was overdrawn is paid back first; what was not used does not add up.
        credit_ += static_cast<std::int64_t>(passed < 1000 ? passed * bytes_ : 1000 * bytes_);
        if (credit_ > static_cast<std::int64_t>(bytes_))
            credit_ = static_cast<std::int64_t>(bytes_);
    }
    return credit_ <= 0;
}

Vif::Vif(xenbus::Device &owner, char const *name_) : NetQueues{owner, name_}
{
    // What Xen gives every back end: the guest's end has the address that counts.
    static constexpr std::uint8_t back_end_mac[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff};
    std::memcpy(mac.bytes, back_end_mac, sizeof back_end_mac);
}

// True: the packet is to go on; perhaps another one after it.
bool Vif::mangle(unsigned direction, Packet &p, Packet &second)
{
    if (!mischief.loss && !mischief.reorder)
        return true;
    constexpr std::uint32_t all = 1000;
    if (kernel::random_u32() % all < mischief.loss)
        return false;
    auto &held = mischief.held[direction];
    if (held) {
        second = std::move(held);
        held = Packet{};
        return true;
    }
    if (kernel::random_u32() % all >= mischief.reorder)
        return true;
    held = std::move(p);
    return false;
}

void Vif::arrived(kernel::net::NetDevice &d, Packet p)
{
    auto &self = static_cast<Vif &>(d);
    Packet second;
    if (!self.mangle(0, p, second))
        return;
    self.receive(std::move(p));
    if (second)
        self.receive(std::move(second));
}

bool Vif::transmit(Packet &p)
{
    if (!usable())
        return dropped(p);
    Packet second;
    if (!blocked_ && !mangle(1, p, second)) {
        p = Packet{};
        return true;
    }
    auto put = queue_for(p).rx.put(p);
    if (put == Scatter::Put::done && second)
        put = queue_for(second).rx.put(second);
    if (put == Scatter::Put::hostile)
        broken("the guest asked for more than its ring holds");
    blocked_ = put == Scatter::Put::no_room;
    return !blocked_ || !p;
}

void Vif::flush()
{
    for (unsigned i = 0; i < queue_count && usable(); ++i)
        if (queues[i]->rx.push())
            queues[i]->port_of_rx().notify();
}

unsigned Vif::take_from(Queue &q, unsigned budget)
{
    unsigned spent = 0;
    bool const honest = q.tx.take(budget, spent, rate, *this, arrived);
    if (q.tx.ring->push())
        q.tx_port.notify();
    if (!honest)
        broken("the guest put nonsense into its ring");
    return spent;
}

// However many queues a guest has: its interface has one rate. When that is spent, its rings are not looked at for a while.
unsigned Vif::poll(unsigned budget)
{
    if (!usable())
        return 0;
    go_on();
    bool more = false;
    auto const all = by_turns(budget, [&](Queue &q, unsigned share) {
        auto const spent = take_from(q, share);
        if (usable() && !rate.exhausted(arch::now_ns())) {
            more |= spent < share && q.tx.ring->more();
            more |= queued() && q.rx.more();
        }
        return spent;
    });
    if (rate.exhausted(arch::now_ns())) {
        refill_timer_.arm(rate.next_ns());
        return 0;
    }
    if (more && all < budget)
        request_poll();
    return all;
}

void Vif::disconnect()
{
    refill_timer_.cancel();
    for (auto &held : mischief.held)
        held = Packet{};
    NetQueues::disconnect();
}
}  // namespace netback
