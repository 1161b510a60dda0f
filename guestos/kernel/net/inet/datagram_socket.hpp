// SPDX-License-Identifier: MIT
// UDP, raw and ping sockets: a queue of datagrams with where each came from, and the memory of what is on its way out.
#pragma once
#include <kernel/net/inet/inet_socket.hpp>

namespace kernel::net {
struct Datagram : boost::intrusive::list_base_hook<> {
    Packet data;
    Endpoint from, to;  // to: without a port
    std::uint32_t device = 0;
    std::uint8_t ttl = 0, tos = 0;
    std::uint64_t time_ns = 0;  // CLOCK_REALTIME
    std::uint32_t memory() const { return data.bytes() + overhead; }
    static constexpr std::uint32_t overhead = 512;
};

// An ICMP message about something that was sent: MSG_ERRQUEUE brings it.
struct IcmpError : boost::intrusive::list_base_hook<> {
    Error error = Error::none;
    std::uint8_t type = 0, code = 0;
    std::uint32_t info = 0;  // the next hop's MTU
    Endpoint reporter, destination;
    std::uint16_t bytes = 0;
    char data[64];  // the beginning of what was sent
};

// What a socket has sent and no interface has given back yet. Outlives the socket.
class SendCredit : public RefCounted {
public:
    std::uint32_t used = 0;
    WaitQueue freed;
    bool closed = false;
};

class DatagramSocket : public InetSocket {
public:
    using InetSocket::InetSocket;
    DatagramSocket(int family_, int type_, int protocol_, unsigned open_flags, Ref<SendCredit> credit)
        : InetSocket{family_, type_, protocol_, open_flags}, credit_{std::move(credit)}
    {
    }
    ~DatagramSocket() override;
    Result<std::size_t> receive(ReceiveRequest &) override;
    Result<std::uint32_t> own_option(int level, int option, std::span<char>) override;
    Result<> shutdown(int how) override;
    unsigned poll(PollTable *) override;
    Error take_error() override { return std::exchange(error_, Error::none); }
    // From lwIP's callbacks: lock held.
    void arrived(Packet, Endpoint const &from);
    void icmp_error(IcmpError const &);
    std::uint32_t queued_bytes() const { return queued_bytes_; }
    std::uint32_t unsent() const { return credit_->used; }
    std::uint32_t drops() const { return drops_; }

protected:
    Result<std::size_t> next_input_bytes() override;
    Result<std::size_t> unsent_bytes() override { return std::size_t{credit_->used}; }
    virtual bool is_connected() const = 0;
    // Waits until the socket may have so much more on its way, and copies the data there. Room for headers is left before them.
    Result<Packet> copy_in(IoBuffer &, std::uint32_t bytes, unsigned message_flags);
    // IP_PKTINFO, IPV6_PKTINFO, IP_TTL, … that were sent along.
    struct Control {
        NetDevice *device = nullptr;
        Endpoint source{};
        bool has_source = false;
        int ttl = -1, tos = -1;
    };
    Result<Control> read_control(std::span<char const>) const;
    bool no_more_input_ = false, no_more_output_ = false;

private:
    void deliver_control(ReceiveRequest &, Datagram const &);
    Result<std::size_t> receive_error(ReceiveRequest &);
    Result<> wait_for_datagram(unsigned message_flags, std::uint64_t deadline_ns);
    boost::intrusive::list<Datagram> queue_;
    boost::intrusive::list<IcmpError> errors_;
    std::uint32_t queued_bytes_ = 0, drops_ = 0;
    std::uint64_t last_time_ns_ = 0;
    Error error_ = Error::none;
    WaitQueue readers_;
    Ref<SendCredit> credit_;
    Mutex receiving_;
};
}  // namespace kernel::net
