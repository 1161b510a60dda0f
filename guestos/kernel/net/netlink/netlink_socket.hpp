// SPDX-License-Identifier: MIT
// netlink(7) sockets of NETLINK_ROUTE: ip(8), ifconfig of busybox, getifaddrs(3), getaddrinfo(3).
#pragma once
#include <kernel/ipc/socket.hpp>
#include <kernel/net/netlink/message.hpp>

namespace kernel::net {
class NetlinkSocket;
// One request: who asks, and what.
struct NetlinkRequest {
    NetlinkSocket &socket;
    nlmsghdr const &header;
    std::span<char const> body;  // what follows the header
    bool is_dump() const { return (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP; }
    bool has(unsigned flag) const { return (header.nlmsg_flags & flag) != 0; }
    template <class T>
    T family_header() const  // zeros where the message is short
    {
        T t{};
        std::memcpy(&t, body.data(), body.size() < sizeof t ? body.size() : sizeof t);
        return t;
    }
    template <class T>
    Attributes attributes() const
    {
        constexpr std::size_t skip = (sizeof(T) + 3) & ~std::size_t{3};
        return body.size() > skip ? Attributes{body.subspan(skip)} : Attributes{};
    }
};

class NetlinkSocket final : public Socket, public boost::intrusive::list_base_hook<> {
public:
    NetlinkSocket(int type_, int protocol_, unsigned open_flags);
    ~NetlinkSocket() override;
    Result<> bind(SocketAddress const &) override;
    Result<> connect(SocketAddress const &) override;
    Result<> name(SocketAddress &, bool of_peer) override;
    Result<std::size_t> send(SendRequest &) override;
    Result<std::size_t> receive(ReceiveRequest &) override;
    Result<> set_own_option(int level, int option, std::span<char const>) override;
    Result<std::uint32_t> own_option(int level, int option, std::span<char>) override;
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
    unsigned poll(PollTable *) override;
    Error take_error() override { return std::exchange(error_, Error::none); }
    std::uint32_t port() const { return port_; }
    bool member_of(unsigned group) const { return group && group <= 32 && (groups_ >> (group - 1) & 1); }
    void deliver(MessageWriter &, std::uint32_t group = 0);

private:
    struct Datagram {
        std::unique_ptr<char[]> bytes;
        std::uint32_t size, group;
        Datagram *next;
    };
    void handle(std::span<char const> messages);
    void answer(nlmsghdr const &, Error);
    Result<> choose_port(std::uint32_t wanted);
    Datagram *first_ = nullptr, *last_ = nullptr;
    std::uint32_t queued_bytes_ = 0, port_ = 0, groups_ = 0;
    Error error_ = Error::none;
    bool wants_packet_info_ = false;
    WaitQueue readers_;
    Mutex receiving_;
};
using NetlinkSocketList = boost::intrusive::list<NetlinkSocket, boost::intrusive::constant_time_size<false>>;
NetlinkSocketList &netlink_sockets();

// Collects the messages of a dump into datagrams as they fill, and ends it with NLMSG_DONE.
class Dump {
public:
    explicit Dump(NetlinkRequest const &r) : r_{r} {}
    // f writes one message, from begin() to just before end(); called again on a fresh datagram if it did not fit.
    template <class F>
    void add(F f)
    {
        f(w_);
        if (w_.end())
            return;
        flush();
        f(w_);
        (void)w_.end();
    }
    void finish();

private:
    void flush();
    NetlinkRequest const &r_;
    MessageWriter w_;
};

// link.cpp, address.cpp, route.cpp, neighbour.cpp: lock held. The error is the answer.
Error handle_link(NetlinkRequest const &);
Error handle_address(NetlinkRequest const &);
Error handle_route(NetlinkRequest const &);
Error handle_neighbour(NetlinkRequest const &);
}  // namespace kernel::net
