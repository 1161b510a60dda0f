// SPDX-License-Identifier: MIT
// Sending and receiving on unix sockets.
#include <algorithm>
#include <asm/socket.h>
#include <kernel/ipc/unix_socket.hpp>

namespace kernel {
using State = UnixEndpoint::State;

namespace {
constexpr int sigpipe = 13;
constexpr std::uint32_t small_bytes = 512, small_capacity = 4000, stream_piece_most = 32768;

Error timed_out_to_again(Error e) { return e == Error::timedout ? Error::again : e; }

// Bytes of a program's as a message; `n` are taken, room for `capacity`.
Result<std::unique_ptr<UnixMessage>> make_message(IoBuffer &data, std::uint32_t n, std::uint32_t capacity,
                                                  UnixAncillary const &with)
{
    std::unique_ptr<UnixMessage> m{new (std::nothrow) UnixMessage};
    if (!m)
        return Error::nobufs;
    m->bytes.reset(new (std::nothrow) char[capacity ? capacity : 1]);
    if (!m->bytes)
        return Error::nobufs;
    m->capacity = capacity;
    if (n)
        m->end = static_cast<std::uint32_t>(TRY(data.get(m->bytes.get(), n)));
    m->sender = with.has_credentials ? with.credentials : own_credentials();
    m->has_credentials = with.has_credentials;
    return m;
}

bool same_sender(abi_ucred const &a, abi_ucred const &b);

// Small writes are put together in one message as long as nothing distinguishes them.
Result<> append_small(UnixEndpoint &to, char const *bytes, std::uint32_t n)
{
    auto last = to.last();
    if (!last || last->has_credentials || last->capacity - last->end < n
        || !same_sender(last->sender, own_credentials())) {
        auto nothing = IoBuffer::kernel(nullptr, 0);
        auto m = TRY(make_message(nothing, 0, small_capacity, {}));
        std::memcpy(m->bytes.get(), bytes, n);
        m->end = n;
        to.push(*m.release());
        return {};
    }
    std::memcpy(last->bytes.get() + last->end, bytes, n);
    last->end += n;
    to.add_to_last(n);
    to.readers.wake_all();
    return {};
}

bool same_sender(abi_ucred const &a, abi_ucred const &b) { return a.pid == b.pid && a.uid == b.uid && a.gid == b.gid; }
}  // namespace

Error UnixSocket::broken_pipe(unsigned with)
{
    if (is_stream() && !(with & abi_msg_nosignal))
        (void)send_signal(current(), SignalInfo::user(sigpipe));
    return Error::pipe;
}

Result<Ref<UnixEndpoint>> UnixSocket::destination(SendRequest const &r)
{
    if (type != abi_sock_dgram) {
        if (r.to && type == abi_sock_stream)
            return end_->state == State::connected ? Error::isconn : Error::opnotsupp;
        if (end_->state != State::connected)
            return Error::notconn;
        if (end_->no_more_output || !end_->peer)
            return broken_pipe(r.flags);
        return end_->peer;
    }
    if (end_->no_more_output)
        return broken_pipe(r.flags);
    if (r.to)
        return find_unix_endpoint(*r.to, type);
    if (!end_->peer)
        return end_->error != Error::none ? take_error() : Error::notconn;
    if (end_->peer->state == State::closed) {
        end_->peer = nullptr;
        return Error::connrefused;
    }
    return end_->peer;
}

Result<> UnixSocket::wait_to_send(UnixEndpoint &to, unsigned with)
{
    auto ready = [&] { return to.has_room() || to.state == State::closed || to.no_more_input || end_->no_more_output; };
    if (!ready()) {
        if (!may_block(with))
            return Error::again;
        auto slept = wait_until(to.writers, ready, Sleep::interruptible, send_deadline());
        if (!slept.ok())
            return timed_out_to_again(slept.error());
    }
    if (to.state == State::closed)
        return type == abi_sock_dgram ? Error::connrefused : broken_pipe(with);
    if (to.no_more_input || end_->no_more_output)
        return broken_pipe(with);
    return {};
}

Result<std::size_t> UnixSocket::send(SendRequest &r)
{
    if (r.flags & abi_msg_oob)
        return Error::opnotsupp;
    if (end_->error != Error::none && type != abi_sock_dgram)
        return take_error();
    UnixAncillary with;
    TRY(with.load(r.control));
    auto to = TRY(destination(r));
    if (options.plain[SO_PASSCRED] && !end_->name.bytes) {
        SocketAddress any;
        any.bytes = sizeof(std::uint16_t);
        any.data[0] = abi_af_unix;
        (void)end_->bind_name(any);
    }
    return is_stream() ? send_stream(r, *to, with) : send_whole(r, *to, with);
}

// Descriptors go with the first byte.
Result<std::size_t> UnixSocket::send_stream(SendRequest &r, UnixEndpoint &to, UnixAncillary &with)
{
    std::size_t total = 0;
    auto result = [&total](Error e) { return total ? Result<std::size_t>{total} : Result<std::size_t>{e}; };
    while (r.data.left()) {
        auto allowed = wait_to_send(to, total ? r.flags | abi_msg_nosignal : r.flags);
        if (!allowed.ok())
            return result(allowed.error());
        MutexGuard guard{sending_};
        auto n = static_cast<std::uint32_t>(std::min<std::size_t>(r.data.left(), stream_piece_most));
        bool plain = !with.rights.count() && !with.has_credentials;
        if (plain && n <= small_bytes) {
            char bytes[small_bytes];
            auto moved = r.data.get(bytes, n);
            if (!moved.ok())
                return result(moved.error());
            auto sent = append_small(to, bytes, static_cast<std::uint32_t>(moved.value()));
            if (!sent.ok())
                return result(sent.error());
            total += moved.value();
            continue;
        }
        auto made = make_message(r.data, n, n, with);
        if (!made.ok())
            return result(made.error());
        auto m = made.take();
        total += m->size();
        m->rights = std::move(with.rights);
        with.has_credentials = false;
        if (to.state == State::closed)
            return result(broken_pipe(r.flags));
        to.push(*m.release());
    }
    return total;
}

Result<std::size_t> UnixSocket::send_whole(SendRequest &r, UnixEndpoint &to, UnixAncillary &with)
{
    auto n = r.data.left();
    if (n > options.send_buffer - 32)
        return Error::msgsize;
    auto m = TRY(make_message(r.data, static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(n), with));
    Ref<UnixEndpoint> keep{&to};
    TRY(wait_to_send(to, r.flags));
    m->rights = std::move(with.rights);
    m->from = end_->name;
    to.push(*m.release());
    return n;
}

Result<UnixMessage *> UnixSocket::wait_for_input(unsigned with, std::uint64_t deadline_ns)
{
    for (;;) {
        if (auto m = end_->first())
            return m;
        if (end_->error != Error::none)
            return take_error();
        if (end_->no_more_input)
            return static_cast<UnixMessage *>(nullptr);
        if (!may_block(with))
            return Error::again;
        auto ready = [this] { return end_->has_input() || end_->no_more_input || end_->error != Error::none; };
        auto slept = wait_until(end_->readers, ready, Sleep::interruptible, deadline_ns);
        if (!slept.ok())
            return timed_out_to_again(slept.error());
    }
}

Result<std::size_t> UnixSocket::receive(ReceiveRequest &r)
{
    if (r.flags & abi_msg_oob)
        return Error::opnotsupp;
    if (r.flags & abi_msg_errqueue)
        return Error::again;
    if (type != abi_sock_dgram && end_->state != State::connected)
        return end_->state == State::listening ? Error::inval : Error::notconn;
    return is_stream() ? receive_stream(r) : receive_whole(r);
}

// Stops where the sender or the descriptors change: what goes with some bytes must not seem to go with others.
Result<std::size_t> UnixSocket::receive_stream(ReceiveRequest &r)
{
    bool peek = (r.flags & abi_msg_peek) != 0, all = (r.flags & abi_msg_waitall) != 0 && !peek;
    auto deadline = receive_deadline();
    std::size_t total = 0;
    bool ancillary_done = false;
    abi_ucred sender{};
    while (r.data.left()) {
        auto waited = wait_for_input(total && !all ? r.flags | abi_msg_dontwait : r.flags, deadline);
        if (!waited.ok())
            return total ? Result<std::size_t>{total} : Result<std::size_t>{waited.error()};
        MutexGuard guard{receiving_};
        auto m = end_->first();
        if (!m) {
            if (!waited.value())
                break;
            continue;  // another reader took it
        }
        if (ancillary_done && (m->rights.count() || (end_->wants_credentials && !same_sender(sender, m->sender))))
            break;
        sender = m->sender;
        std::size_t from_here = 0;
        for (auto at = m; at && r.data.left();) {
            std::uint32_t n = static_cast<std::uint32_t>(std::min<std::size_t>(at->size(), r.data.left()));
            auto moved = r.data.put(at->bytes.get() + at->start, n);
            if (!moved.ok())
                return total ? Result<std::size_t>{total} : moved;
            from_here = moved.value();
            total += from_here;
            if (!ancillary_done)
                deliver_ancillary(r, *end_, *at, peek);
            ancillary_done = true;
            if (!peek || from_here < at->size())
                break;
            at = end_->next(*at);
            if (at && at->rights.count())
                break;
        }
        if (peek)
            break;
        end_->take(*m, static_cast<std::uint32_t>(from_here));
    }
    return total;
}

Result<std::size_t> UnixSocket::receive_whole(ReceiveRequest &r)
{
    auto deadline = receive_deadline();
    for (;;) {
        if (!TRY(wait_for_input(r.flags, deadline)))
            return std::size_t{0};
        MutexGuard guard{receiving_};
        auto m = end_->first();
        if (!m)
            continue;
        bool peek = (r.flags & abi_msg_peek) != 0;
        auto size = m->size();
        auto n = std::min<std::size_t>(size, r.data.left());
        if (n)
            TRY(r.data.put(m->bytes.get(), n));
        if (r.from)
            *r.from = m->from;
        if (n < size)
            r.out_flags |= abi_msg_trunc;
        if (type == abi_sock_seqpacket)
            r.out_flags |= abi_msg_eor;
        deliver_ancillary(r, *end_, *m, peek);
        if (!peek)
            end_->take(*m, size);
        return r.flags & abi_msg_trunc ? std::size_t{size} : n;
    }
}
}  // namespace kernel
