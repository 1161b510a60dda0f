// SPDX-License-Identifier: MIT
// Sending and receiving on TCP sockets.
#include <algorithm>
#include <kernel/net/inet/tcp_socket.hpp>
#include <kernel/process/process.hpp>

namespace kernel::net {
using State = TcpConnection::State;

namespace {
constexpr int sigpipe = 13;
constexpr std::size_t piece_most = 65536;  // between two hand-overs to lwIP: the receiver may begin meanwhile
}  // namespace

Error TcpSocket::broken_pipe(unsigned with)
{
    if (!(with & abi_msg_nosignal))
        (void)send_signal(current(), SignalInfo::user(sigpipe));
    return Error::pipe;
}

// Until there is room, or none will be.
Result<> TcpSocket::wait_to_send(unsigned with)
{
    auto &c = *c_;
    auto ready = [&c] {
        return c.error != Error::none || (c.state != State::connecting && !c.may_write())
            || (c.may_write() && c.out.bytes() < c.send_limit);
    };
    if (!ready()) {
        if (!may_block(with))
            return Error::again;
        auto room = [&c] {
            return c.error != Error::none || (c.state != State::connecting && !c.may_write())
                || (c.may_write() && c.has_send_room());
        };
        auto slept = wait_until(c.writers, room, Sleep::interruptible, send_deadline());
        if (!slept.ok())
            return again_if_timed_out(slept.error());
    }
    if (c.error != Error::none && !c.no_more_output)
        return take_error();
    if (!c.may_write()) {
        auto e = take_error();
        return e != Error::none ? e : broken_pipe(with);
    }
    return {};
}

// Puts up to `room` bytes behind what was written before, where nobody looks yet.
Result<std::size_t> TcpSocket::fill(IoBuffer &from, std::size_t room)
{
    auto &c = *c_;
    std::size_t moved = 0;
    auto result = [&moved](Error e) { return moved ? Result<std::size_t>{moved} : Result<std::size_t>{e}; };
    while (from.left() && moved < room) {
        auto space = c.out.room(static_cast<std::uint32_t>(std::min(from.left(), room - moved)));
        if (!space.ok())
            return result(space.error());
        auto got = from.get(space.value().at, std::min<std::size_t>(space.value().bytes, room - moved));
        if (!got.ok())
            return result(got.error());
        if (!c.may_write())  // it broke while the page was brought in
            break;
        moved += got.value();
        Guard guard;
        c.out.wrote(static_cast<std::uint32_t>(got.value()));
    }
    return moved;
}

Result<std::size_t> TcpSocket::send(SendRequest &r)
{
    if (r.flags & abi_msg_oob)
        return Error::opnotsupp;
    MutexGuard sending{sending_};
    auto &c = *c_;
    std::size_t total = 0;
    do {
        auto allowed = wait_to_send(total ? r.flags | abi_msg_nosignal : r.flags);
        if (!allowed.ok())
            return total ? Result<std::size_t>{total} : Result<std::size_t>{allowed.error()};
        auto moved = fill(r.data, std::min<std::size_t>(piece_most, c.send_limit - c.out.bytes()));
        if (!moved.ok())
            return total ? Result<std::size_t>{total} : moved;
        total += moved.value();
        Guard guard;
        c.hold_small = (r.flags & abi_msg_more) && !r.data.left();
        c.pump(!c.options.cork && !c.hold_small);
    } while (r.data.left());
    return total;
}

Result<> TcpSocket::wait_for_input(unsigned with, std::uint64_t deadline_ns)
{
    auto &c = *c_;
    auto ready = [&c] {
        return c.in_bytes || c.peer_finished || c.no_more_input || c.error != Error::none || c.state == State::closed;
    };
    if (ready())
        return {};
    if (!may_block(with))
        return Error::again;
    auto slept = wait_until(c.readers, ready, Sleep::interruptible, deadline_ns);
    return slept.ok() ? slept : Result<>{again_if_timed_out(slept.error())};
}

// Copies n of the bytes that wait, from the `from`th on. They stay where they are.
Result<std::size_t> TcpSocket::copy_out(ReceiveRequest &r, std::size_t from, std::size_t n)
{
    auto &c = *c_;
    std::size_t skip = c.in_offset + from, done = 0;
    for (std::uint32_t i = 0; i < c.in.count() && done < n; ++i) {
        auto p = c.in.at(i);
        if (skip >= p->tot_len) {
            skip -= p->tot_len;
            continue;
        }
        for (; p && done < n; p = p->next) {
            if (skip >= p->len) {
                skip -= p->len;
                continue;
            }
            auto piece = std::min<std::size_t>(p->len - skip, n - done);
            auto moved = r.data.put(static_cast<char const *>(p->payload) + skip, piece);
            if (!moved.ok())
                return done ? Result<std::size_t>{done} : moved;
            done += moved.value();
            if (moved.value() < piece)
                return done;
            skip = 0;
        }
        skip = 0;
    }
    return done;
}

Result<std::size_t> TcpSocket::receive(ReceiveRequest &r)
{
    if (r.flags & abi_msg_oob)
        return Error::inval;
    if (r.flags & abi_msg_errqueue)
        return Error::again;
    auto &c = *c_;
    if (c.state == State::listening || c.state == State::idle)
        return Error::notconn;
    bool peek = (r.flags & abi_msg_peek) != 0, all = (r.flags & abi_msg_waitall) != 0 && !peek;
    auto deadline = receive_deadline();
    std::size_t total = 0, wanted = r.data.left();
    if (!wanted)
        return std::size_t{0};
    while (total < wanted) {
        auto waited = wait_for_input(total && !all ? r.flags | abi_msg_dontwait : r.flags, deadline);
        if (!waited.ok())
            return total ? Result<std::size_t>{total} : Result<std::size_t>{waited.error()};
        MutexGuard receiving{receiving_};
        auto n = std::min<std::size_t>(c.in_bytes, wanted - total);
        if (!n) {
            if (total)
                break;
            if (c.error != Error::none)
                return take_error();
            if (c.peer_finished || c.no_more_input || c.state == State::closed)
                break;
            continue;  // another reader took it
        }
        if (!(r.flags & abi_msg_trunc)) {
            auto moved = copy_out(r, 0, n);
            if (!moved.ok())
                return total ? Result<std::size_t>{total} : moved;
            n = moved.value();
        }
        total += n;
        if (peek)
            break;
        Guard guard;
        c.consume(static_cast<std::uint32_t>(n));
    }
    return total;
}

Result<std::size_t> TcpSocket::next_input_bytes()
{
    if (listening())
        return Error::inval;
    return std::size_t{c_->in_bytes};
}
}  // namespace kernel::net
