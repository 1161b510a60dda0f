// SPDX-License-Identifier: MIT
// Receiving datagrams, and what poll(2) says.
#include <algorithm>
#include <asm/socket.h>
#include <asm/sockios.h>
#include <kernel/net/inet/datagram_socket.hpp>
#include <kernel/time/clock.hpp>
#include <kernel/time/timer.hpp>
#include <linux/poll.h>

namespace kernel::net {
DatagramSocket::~DatagramSocket()
{
    queue_.clear_and_dispose([](Datagram *d) { delete d; });
    errors_.clear_and_dispose([](IcmpError *e) { delete e; });
    credit_->closed = true;
}

void DatagramSocket::arrived(Packet p, Endpoint const &from)
{
    std::uint32_t needed = p.bytes() + Datagram::overhead;
    if (no_more_input_ || queued_bytes_ + needed > options.receive_buffer) {
        ++drops_;
        return;
    }
    auto d = new (std::nothrow) Datagram;
    if (!d) {
        ++drops_;
        return;
    }
    d->data = std::move(p);
    d->from = from;
    ip_addr_copy(d->to.ip, *ip_current_dest_addr());
    d->device = ip_current_input_netif() ? netif_get_index(ip_current_input_netif()) : 0;
    if (ip_current_is_v6()) {
        auto h = ip6_current_header();
        d->ttl = IP6H_HOPLIM(h);
        d->tos = static_cast<std::uint8_t>(IP6H_TC(h));
    } else {
        auto h = ip4_current_header();
        d->ttl = IPH_TTL(h);
        d->tos = IPH_TOS(h);
    }
    d->time_ns = realtime_ns();
    queue_.push_back(*d);
    queued_bytes_ += needed;
    readers_.wake_all();
}

void DatagramSocket::icmp_error(IcmpError const &e)
{
    constexpr std::size_t most_errors = 16;
    bool wanted = e.destination.is_v6() ? ip_options().receive_errors6 : ip_options().receive_errors;
    if (wanted && errors_.size() < most_errors) {
        if (auto kept = new (std::nothrow) IcmpError{e})
            errors_.push_back(*kept);
    }
    if (wanted || is_connected())
        error_ = e.error;
    readers_.wake_all();
    credit_->freed.wake_all();
}

Result<std::size_t> DatagramSocket::next_input_bytes()
{
    return queue_.empty() ? std::size_t{0} : std::size_t{queue_.front().data.bytes()};
}

Result<> DatagramSocket::wait_for_datagram(unsigned with, std::uint64_t deadline_ns)
{
    auto ready = [this] { return !queue_.empty() || error_ != Error::none || no_more_input_; };
    if (ready())
        return {};
    if (!may_block(with))
        return Error::again;
    auto slept = wait_until(readers_, ready, Sleep::interruptible, deadline_ns);
    return slept.ok() ? slept : Result<>{again_if_timed_out(slept.error())};
}

Result<std::size_t> DatagramSocket::receive(ReceiveRequest &r)
{
    if (r.flags & abi_msg_errqueue)
        return receive_error(r);
    if (r.flags & abi_msg_oob)
        return Error::opnotsupp;
    auto deadline = receive_deadline();
    for (;;) {
        TRY(wait_for_datagram(r.flags, deadline));
        if (error_ != Error::none)
            return take_error();
        MutexGuard guard{receiving_};
        if (queue_.empty()) {
            if (no_more_input_)
                return std::size_t{0};
            continue;
        }
        auto &d = queue_.front();
        bool peek = (r.flags & abi_msg_peek) != 0;
        std::size_t size = d.data.bytes(), n = std::min(size, r.data.left()), left = n;
        for (auto p = d.data.get(); p && left; p = p->next) {
            auto piece = std::min<std::size_t>(p->len, left);
            if (TRY(r.data.put(p->payload, piece)) != piece)
                return Error::fault;
            left -= piece;
        }
        if (r.from)
            *r.from = to_address(d.from, family);
        if (n < size)
            r.out_flags |= abi_msg_trunc;
        last_time_ns_ = d.time_ns;
        deliver_control(r, d);
        if (!peek) {
            Guard lock;  // pages go back to their interface
            queue_.erase(queue_.iterator_to(d));
            queued_bytes_ -= d.memory();
            delete &d;
        }
        return r.flags & abi_msg_trunc ? size : n;
    }
}

Result<std::uint32_t> DatagramSocket::own_option(int level, int option, std::span<char> out)
{
    return InetSocket::own_option(level, option, out);
}

Result<> DatagramSocket::shutdown(int how)
{
    if (!is_connected())
        return Error::notconn;
    no_more_input_ |= how != abi_shut_wr;
    no_more_output_ |= how != abi_shut_rd;
    readers_.wake_all();
    credit_->freed.wake_all();
    return {};
}

unsigned DatagramSocket::poll(PollTable *table)
{
    if (table) {
        table->add(readers_);
        table->add(credit_->freed);
    }
    unsigned events = 0;
    if (error_ != Error::none || !errors_.empty())
        events |= POLLERR;
    if (!queue_.empty() || no_more_input_)
        events |= POLLIN | POLLRDNORM;
    if (no_more_input_)
        events |= POLLRDHUP;
    if (no_more_input_ && no_more_output_)
        events |= POLLHUP;
    if (credit_->used < options.send_buffer)
        events |= POLLOUT | POLLWRNORM | POLLWRBAND;
    return events;
}
}  // namespace kernel::net
