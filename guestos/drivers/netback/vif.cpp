// SPDX-License-Identifier: MIT
// Our interface of a guest's: packets in both directions, by turns. Lock held.
#include <drivers/netback/netback.hpp>
#include <kernel/net/flow.hpp>
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

Vif::Vif(Owner &owner, char const *name_) : NetDevice{Kind::ethernet, name_}, owner_{&owner}
{
    // What Xen gives every back end: the guest's end has the address that counts.
    static constexpr std::uint8_t back_end_mac[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff};
    std::memcpy(mac.bytes, back_end_mac, sizeof back_end_mac);
    most_mtu = 65535 - 18;
    carrier = false;
}

void Vif::broken(char const *what)
{
    failed_ = true;
    set_carrier(false);
    owner_->report_soon(what);
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

Queue &Vif::queue_for(Packet const &p)
{
    return *queues[queue_count > 1 ? kernel::net::flow_hash(p.get()) % queue_count : 0];
}

bool Vif::transmit(Packet &p)
{
    if (!connected_ || failed_) {
        ++counters.tx_dropped;
        p = Packet{};
        return true;
    }
    Packet second;
    if (!blocked_ && !mangle(1, p, second)) {
        p = Packet{};
        return true;
    }
    auto put = queue_for(p).to_guest.put(p);
    if (put == Scatter::Put::done && second)
        put = queue_for(second).to_guest.put(second);
    if (put == Scatter::Put::hostile)
        broken("asked for more than its ring holds");
    blocked_ = put == Scatter::Put::no_room;
    return !blocked_ || !p;
}

void Vif::flush()
{
    if (!connected_ || failed_)
        return;
    for (unsigned i = 0; i < queue_count; ++i)
        if (queues[i]->to_guest.push())
            queues[i]->port_of_receive().notify();
}

// False: the guest breaks the rules.
bool Vif::take_from(Queue &q, unsigned budget, unsigned &spent)
{
    bool honest = q.from_guest.take(budget, spent, rate, *this, arrived);
    if (q.from_guest.ring->push())
        q.port.notify();
    if (!honest)
        broken("put nonsense into its ring");
    return honest;
}

// However many queues a guest has: its interface has one budget and one rate. They take turns at being the first.
unsigned Vif::poll(unsigned budget)
{
    if (!connected_ || failed_)
        return 0;
    if (blocked_) {
        blocked_ = false;
        transmit_ready();
    }
    auto const share = budget / queue_count;
    auto const first = first_queue_++;
    unsigned all = 0;
    bool busy = false, more = false;
    for (unsigned i = 0; i < queue_count && !failed_; ++i) {
        auto &q = *queues[(first + i) % queue_count];
        unsigned spent = 0;
        if (!take_from(q, share, spent))
            return 0;
        all += spent;
        busy |= spent >= share;
        if (rate.exhausted(arch::now_ns())) {
            refill_timer_.arm(rate.next_ns());
            return 0;  // until then its rings are not looked at
        }
        if (spent < share)
            more |= q.from_guest.ring->more();
        more |= queued() && q.to_guest.more();
    }
    if (more && !busy)
        request_poll();
    return busy ? budget : all;
}

void Vif::connect()
{
    connected_ = true;
    failed_ = blocked_ = false;
    set_carrier(true);
    request_poll();
}

void Vif::disconnect()
{
    connected_ = false;
    refill_timer_.cancel();
    for (auto &held : mischief.held)
        held = Packet{};
    set_carrier(false);
    while (queue_count) {
        auto &q = queues[--queue_count];
        q->from_guest.close();
        q->to_guest.close();
        q.reset();
    }
}
}  // namespace netback
