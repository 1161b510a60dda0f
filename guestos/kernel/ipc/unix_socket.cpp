// SPDX-License-Identifier: MIT
// Everything of a unix socket but sending and receiving.
#include <algorithm>
#include <asm/ioctls.h>
#include <asm/socket.h>
#include <asm/sockios.h>
#include <kernel/ipc/unix_socket.hpp>
#include <kernel/net/interface_ioctl.hpp>
#include <linux/poll.h>

namespace kernel {
using State = UnixEndpoint::State;

namespace {
constexpr int somaxconn = 4096;

Result<Ref<Socket>> make_socket(Ref<UnixEndpoint> end, unsigned open_flags)
{
    return Ref<Socket>{TRY(make_ref<UnixSocket>(std::move(end), open_flags))};
}

Result<Ref<UnixEndpoint>> make_endpoint(int type, int protocol)
{
    if (protocol && protocol != abi_af_unix)
        return Error::protonosupport;
    if (type == abi_sock_raw)
        type = abi_sock_dgram;
    if (type != abi_sock_stream && type != abi_sock_dgram && type != abi_sock_seqpacket)
        return Error::socktnosupport;
    return make_ref<UnixEndpoint>(type);
}

Result<Ref<Socket>> create_unix(int type, int protocol, unsigned open_flags)
{
    return make_socket(TRY(make_endpoint(type, protocol)), open_flags);
}

Result<> create_unix_pair(int type, int protocol, unsigned open_flags, Ref<Socket> (&out)[2])
{
    auto a = TRY(make_endpoint(type, protocol)), b = TRY(make_endpoint(type, protocol));
    out[0] = TRY(make_socket(a, open_flags));
    out[1] = TRY(make_socket(b, open_flags));
    a->connect_pair(*b);
    return {};
}

REGISTER_SOCKET_FAMILY(unix_family, abi_af_unix, create_unix, create_unix_pair);
}  // namespace

Result<> UnixSocket::bind(SocketAddress const &a) { return end_->bind_name(a); }

Result<> UnixSocket::listen(int backlog)
{
    if (type == abi_sock_dgram)
        return Error::opnotsupp;
    if (end_->state == State::connected || !end_->name.bytes)
        return Error::inval;
    end_->state = State::listening;
    end_->backlog = static_cast<unsigned>(backlog < 0 || backlog > somaxconn ? somaxconn : backlog);
    end_->owner = own_credentials();
    end_->writers.wake_all();
    return {};
}

Result<> UnixSocket::connect(SocketAddress const &a)
{
    if (a.bytes < sizeof(std::uint16_t))
        return Error::inval;
    if (type == abi_sock_dgram && a.family() == abi_af_unspec) {
        end_->peer = nullptr;
        return {};
    }
    if (type != abi_sock_dgram && end_->state == State::connected)
        return Error::isconn;
    if (end_->state == State::listening)
        return Error::inval;
    auto found = TRY(find_unix_endpoint(a, type));
    if (options.plain[SO_PASSCRED] && !end_->name.bytes) {
        SocketAddress any;
        any.bytes = sizeof(std::uint16_t);
        any.data[0] = abi_af_unix;
        TRY(end_->bind_name(any));
    }
    if (type != abi_sock_dgram)
        return connect_stream(found);
    end_->peer = found;
    end_->writers.wake_all();
    return {};
}

// The connection stands as soon as it waits for accept(2): the client may send at once.
Result<> UnixSocket::connect_stream(Ref<UnixEndpoint> listener)
{
    auto ready = [&] { return listener->state != State::listening || listener->pending_count() <= listener->backlog; };
    if (!ready()) {
        if (nonblocking())
            return Error::again;
        auto slept = wait_until(listener->writers, ready, Sleep::interruptible, send_deadline());
        if (!slept.ok())
            return slept.error() == Error::timedout ? Error::again : slept.error();
    }
    if (listener->state != State::listening)
        return Error::connrefused;
    auto server = TRY(make_ref<UnixEndpoint>(type));
    server->owner = listener->owner;
    server->name = listener->name;
    server->wants_credentials = listener->wants_credentials;
    end_->owner = own_credentials();
    end_->connect_pair(*server);
    listener->add_pending(server);
    end_->wake_both();
    return {};
}

Result<Ref<Socket>> UnixSocket::accept(unsigned open_flags)
{
    if (type == abi_sock_dgram)
        return Error::opnotsupp;
    if (end_->state != State::listening)
        return Error::inval;
    if (!end_->pending_count()) {
        if (nonblocking())
            return Error::again;
        auto ready = [this] { return end_->pending_count() || end_->no_more_input; };
        auto slept = wait_until(end_->readers, ready, Sleep::interruptible, receive_deadline());
        if (!slept.ok())
            return slept.error() == Error::timedout ? Error::again : slept.error();
    }
    auto server = end_->take_pending();
    if (!server)
        return Error::inval;
    auto socket = TRY(make_socket(server, open_flags));
    socket->options.plain[SO_PASSCRED] = server->wants_credentials;
    return socket;
}

Result<> UnixSocket::name(SocketAddress &out, bool of_peer)
{
    if (of_peer && !end_->peer && (type == abi_sock_dgram || end_->state != State::connected))
        return Error::notconn;
    out = !of_peer ? end_->name : end_->peer ? end_->peer->name : end_->former_peer_name;
    if (!out.bytes) {
        out.bytes = sizeof(std::uint16_t);
        std::uint16_t unix_family_number = abi_af_unix;
        std::memcpy(out.data, &unix_family_number, sizeof unix_family_number);
    }
    return {};
}

Result<> UnixSocket::shutdown(int how)
{
    if (type != abi_sock_dgram && end_->state == State::idle)
        return Error::notconn;
    end_->shut(how != abi_shut_wr, how != abi_shut_rd);
    return {};
}

Result<> UnixSocket::set_own_option(int level, int option, std::span<char const> value)
{
    if (level != SOL_SOCKET)
        return Error::opnotsupp;
    if (option != SO_PASSCRED)
        return Error::noprotoopt;
    std::int32_t on = 0;
    if (value.size() < sizeof on)
        return Error::inval;
    std::memcpy(&on, value.data(), sizeof on);
    options.plain[SO_PASSCRED] = on != 0;
    end_->wants_credentials = on != 0;
    return {};
}

Result<std::uint32_t> UnixSocket::own_option(int level, int option, std::span<char> out)
{
    if (level != SOL_SOCKET)
        return Error::opnotsupp;
    if (option != SO_PEERCRED)
        return Error::noprotoopt;
    auto n = std::min(out.size(), sizeof end_->peer_credentials);
    std::memcpy(out.data(), &end_->peer_credentials, n);
    return static_cast<std::uint32_t>(n);
}

Result<std::int32_t> UnixSocket::ioctl(unsigned command, std::uint32_t argument)
{
    UserPtr<std::int32_t> number{argument};
    auto first = end_->first();
    switch (command) {
    case FIONREAD:
        if (listening())
            return Error::inval;
        TRY(number.write(
            static_cast<std::int32_t>(type == abi_sock_dgram ? first ? first->size() : 0 : end_->queued_bytes())));
        return 0;
    case TIOCOUTQ: TRY(number.write(static_cast<std::int32_t>(end_->peer ? end_->peer->queued_bytes() : 0))); return 0;
    case SIOCATMARK: TRY(number.write(0)); return 0;
    default: return net::interface_ioctl(command, argument);
    }
}

unsigned UnixSocket::poll(PollTable *table)
{
    if (table) {
        table->add(end_->readers);
        table->add(end_->writers);
        if (end_->peer)
            table->add(end_->peer->writers);
    }
    unsigned events = 0;
    auto const &e = *end_;
    if (e.error != Error::none)
        events |= POLLERR;
    if (e.no_more_input && e.no_more_output)
        events |= POLLHUP;
    if (e.no_more_input)
        events |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (e.has_input() || e.pending_count())
        events |= POLLIN | POLLRDNORM;
    if (type != abi_sock_dgram && e.state == State::idle)
        return events | POLLOUT | POLLWRNORM | POLLHUP;
    if (e.state == State::listening)
        return events;
    bool writable = type == abi_sock_dgram ? !e.peer || e.peer->has_room() : !e.peer || e.peer->has_room();
    if (writable)
        events |= POLLOUT | POLLWRNORM | POLLWRBAND;
    return events;
}
}  // namespace kernel
