// SPDX-License-Identifier: MIT
#include <algorithm>
#include <asm/socket.h>
#include <kernel/lazy.hpp>
#include <kernel/net/inet/inet_socket.hpp>
#include <kernel/net/lock.hpp>
#include <kernel/net/netlink/netlink_socket.hpp>
#include <kernel/process/process.hpp>
#include <linux/capability.h>
#include <linux/poll.h>

namespace kernel::net {
namespace {
constexpr int sol_netlink = 270;
constexpr std::uint32_t most_request = 65536;
constinit Lazy<NetlinkSocketList> all;

Result<Ref<Socket>> create(int type, int protocol, unsigned open_flags)
{
    if (type != abi_sock_raw && type != abi_sock_dgram)
        return Error::socktnosupport;
    if (protocol != NETLINK_ROUTE)
        return Error::protonosupport;
    return Ref<Socket>{TRY(make_ref<NetlinkSocket>(type, protocol, open_flags))};
}
REGISTER_SOCKET_FAMILY(netlink_family, abi_af_netlink, create, nullptr);

SocketAddress address_of(std::uint32_t port, std::uint32_t groups)
{
    sockaddr_nl s{abi_af_netlink, 0, port, groups};
    SocketAddress a;
    a.bytes = sizeof s;
    std::memcpy(a.data, &s, sizeof s);
    return a;
}

Result<sockaddr_nl> netlink_address(SocketAddress const &a)
{
    sockaddr_nl s;
    if (a.bytes < sizeof s || a.family() != abi_af_netlink)
        return Error::inval;
    std::memcpy(&s, a.data, sizeof s);
    return s;
}

// What only looks is for everybody.
bool only_reads(std::uint16_t type) { return (type & 3) == 2; }

Error dispatch(NetlinkRequest const &r)
{
    if (!only_reads(r.header.nlmsg_type) && !current().credentials.has_cap(CAP_NET_ADMIN))
        return Error::perm;
    switch (r.header.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
    case RTM_GETLINK:
    case RTM_SETLINK: return handle_link(r);
    case RTM_NEWADDR:
    case RTM_DELADDR:
    case RTM_GETADDR: return handle_address(r);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
    case RTM_GETROUTE: return handle_route(r);
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
    case RTM_GETNEIGH: return handle_neighbour(r);
    default: return Error::opnotsupp;
    }
}
}  // namespace

NetlinkSocketList &netlink_sockets() { return *all; }

NetlinkSocket::NetlinkSocket(int type_, int protocol_, unsigned open_flags)
    : Socket{abi_af_netlink, type_, protocol_, open_flags}
{
    netlink_sockets().push_back(*this);
}

NetlinkSocket::~NetlinkSocket()
{
    netlink_sockets().erase(netlink_sockets().iterator_to(*this));
    while (auto d = first_) {
        first_ = d->next;
        delete d;
    }
}

// Usually the process's own number; another if that is taken.
Result<> NetlinkSocket::choose_port(std::uint32_t wanted)
{
    auto taken = [this](std::uint32_t port) {
        return std::any_of(netlink_sockets().begin(), netlink_sockets().end(),
                           [&](auto &s) { return &s != this && s.port_ == port; });
    };
    if (wanted && taken(wanted))
        return Error::addrinuse;
    port_ = wanted ? wanted : static_cast<std::uint32_t>(current_process().pid);
    for (std::uint32_t other = 0xffff'f000; taken(port_); --other)
        port_ = other;
    return {};
}

Result<> NetlinkSocket::bind(SocketAddress const &a)
{
    auto s = TRY(netlink_address(a));
    if (port_ && s.nl_pid && s.nl_pid != port_)
        return Error::inval;
    if (!port_)
        TRY(choose_port(s.nl_pid));
    groups_ = s.nl_groups;
    return {};
}

// Only the kernel is here to talk to.
Result<> NetlinkSocket::connect(SocketAddress const &a)
{
    auto s = TRY(netlink_address(a));
    if (s.nl_pid)
        return Error::connrefused;
    return port_ ? Result<>{} : choose_port(0);
}

Result<> NetlinkSocket::name(SocketAddress &out, bool of_peer)
{
    out = of_peer ? address_of(0, 0) : address_of(port_, groups_);
    return {};
}

Result<std::size_t> NetlinkSocket::send(SendRequest &r)
{
    if (r.flags & abi_msg_oob)
        return Error::opnotsupp;
    if (r.to && TRY(netlink_address(*r.to)).nl_pid)
        return Error::connrefused;
    if (!port_)
        TRY(choose_port(0));
    auto n = r.data.left();
    if (n > most_request)
        return Error::msgsize;
    std::unique_ptr<char[]> bytes{new (std::nothrow) char[n + 1]};
    if (!bytes)
        return Error::nobufs;
    if (n && TRY(r.data.get(bytes.get(), n)) != n)
        return Error::fault;
    handle({bytes.get(), n});
    return n;
}

void NetlinkSocket::handle(std::span<char const> bytes)
{
    while (bytes.size() >= sizeof(nlmsghdr)) {
        nlmsghdr h;
        std::memcpy(&h, bytes.data(), sizeof h);
        if (h.nlmsg_len < sizeof h || h.nlmsg_len > bytes.size())
            return;
        NetlinkRequest request{*this, h, bytes.subspan(sizeof h, h.nlmsg_len - sizeof h)};
        if (h.nlmsg_type >= RTM_BASE && request.has(NLM_F_REQUEST)) {
            Guard guard;
            auto e = dispatch(request);
            if (e != Error::none || (request.has(NLM_F_ACK) && !request.is_dump()))
                answer(h, e);
        } else if (request.has(NLM_F_ACK)) {
            answer(h, Error::none);
        }
        auto step = std::min<std::size_t>((h.nlmsg_len + 3u) & ~3u, bytes.size());
        bytes = bytes.subspan(step);
    }
}

void NetlinkSocket::answer(nlmsghdr const &to, Error e)
{
    MessageWriter w;
    w.begin(NLMSG_ERROR, 0, to.nlmsg_seq, port_, nlmsgerr{-static_cast<int>(e), to});
    if (w.end())
        deliver(w);
}

void NetlinkSocket::deliver(MessageWriter &w, std::uint32_t group)
{
    auto size = w.used();
    auto d = size && queued_bytes_ + size <= options.receive_buffer ? new (std::nothrow) Datagram : nullptr;
    if (!d) {
        if (size)
            error_ = Error::nobufs;  // something was lost: the program is to ask again
        readers_.wake_all();
        return;
    }
    std::unique_ptr<char[]> bytes{new (std::nothrow) char[size]};
    if (!bytes) {
        delete d;
        error_ = Error::nobufs;
        return;
    }
    std::memcpy(bytes.get(), w.data(), size);
    *d = {std::move(bytes), size, group, nullptr};
    (last_ ? last_->next : first_) = d;
    last_ = d;
    queued_bytes_ += size;
    readers_.wake_all();
}

Result<std::size_t> NetlinkSocket::receive(ReceiveRequest &r)
{
    if (r.flags & (abi_msg_oob | abi_msg_errqueue))
        return Error::opnotsupp;
    auto deadline = receive_deadline();
    for (;;) {
        auto ready = [this] { return first_ || error_ != Error::none; };
        if (!ready()) {
            if (!may_block(r.flags))
                return Error::again;
            auto slept = wait_until(readers_, ready, Sleep::interruptible, deadline);
            if (!slept.ok())
                return again_if_timed_out(slept.error());
        }
        if (error_ != Error::none)
            return take_error();
        MutexGuard guard{receiving_};
        auto d = first_;
        if (!d)
            continue;
        std::size_t n = std::min<std::size_t>(d->size, r.data.left());
        if (n)
            TRY(r.data.put(d->bytes.get(), n));
        if (n < d->size)
            r.out_flags |= abi_msg_trunc;
        if (r.from)
            *r.from = address_of(0, d->group ? 1u << (d->group - 1) : 0);
        if (wants_packet_info_ && r.control)
            (void)r.control->put(sol_netlink, NETLINK_PKTINFO, &d->group, sizeof d->group);
        std::size_t size = d->size;
        if (!(r.flags & abi_msg_peek)) {
            first_ = d->next;
            if (!first_)
                last_ = nullptr;
            queued_bytes_ -= d->size;
            delete d;
        }
        return r.flags & abi_msg_trunc ? size : n;
    }
}

Result<> NetlinkSocket::set_own_option(int level, int option, std::span<char const> value)
{
    if (level != sol_netlink)
        return Error::noprotoopt;
    auto n = TRY(option_number(value));
    switch (option) {
    case NETLINK_ADD_MEMBERSHIP:
    case NETLINK_DROP_MEMBERSHIP: {
        constexpr int most_groups = 64;
        if (n < 1 || n > most_groups)
            return Error::inval;
        if (n <= 32)  // the others exist, but nothing is said there
            groups_ = option == NETLINK_ADD_MEMBERSHIP ? groups_ | 1u << (n - 1) : groups_ & ~(1u << (n - 1));
        return {};
    }
    case NETLINK_PKTINFO: wants_packet_info_ = n != 0; return {};
    case NETLINK_EXT_ACK:
    case NETLINK_GET_STRICT_CHK:
    case NETLINK_CAP_ACK:
    case NETLINK_NO_ENOBUFS:
    case NETLINK_BROADCAST_ERROR: return {};
    default: return Error::noprotoopt;
    }
}

Result<std::uint32_t> NetlinkSocket::own_option(int level, int option, std::span<char> out)
{
    if (level != sol_netlink)
        return Error::noprotoopt;
    return option == NETLINK_PKTINFO ? Result<std::uint32_t>{give_option(out, std::int32_t{wants_packet_info_})}
                                     : Result<std::uint32_t>{Error::noprotoopt};
}

Result<std::int32_t> NetlinkSocket::ioctl(unsigned command, std::uint32_t argument)
{
    return interface_ioctl(command, argument);
}

unsigned NetlinkSocket::poll(PollTable *table)
{
    if (table)
        table->add(readers_);
    return POLLOUT | POLLWRNORM | (first_ ? POLLIN | POLLRDNORM : 0u) | (error_ != Error::none ? POLLERR : 0u);
}

void Dump::flush()
{
    r_.socket.deliver(w_);
    w_ = MessageWriter{};
}

void Dump::finish()
{
    add([this](MessageWriter &w) {
        w.begin(NLMSG_DONE, NLM_F_MULTI, r_.header.nlmsg_seq, r_.socket.port(), std::int32_t{0});
    });
    flush();
}
}  // namespace kernel::net
