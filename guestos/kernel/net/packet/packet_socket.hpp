// SPDX-License-Identifier: MIT
// packet(7) sockets: frames of an interface as they are, for udhcpc and tcpdump. With PACKET_RX_RING (version 2) they are left in
// memory that the program shares: packet_ring.hpp.
#pragma once
#include <kernel/ipc/socket.hpp>
#include <kernel/net/device.hpp>
#include <kernel/net/packet/filter.hpp>
#include <kernel/net/packet/packet_ring.hpp>
#include <linux/if_packet.h>

namespace kernel::net {
class PacketSocket final : public Socket, public Tap {
public:
    PacketSocket(int type_, int protocol_, unsigned open_flags);
    ~PacketSocket() override;
    Result<> bind(SocketAddress const &) override;
    Result<> name(SocketAddress &, bool of_peer) override;
    Result<std::size_t> send(SendRequest &) override;
    Result<std::size_t> receive(ReceiveRequest &) override;
    Result<> set_own_option(int level, int option, std::span<char const>) override;
    Result<std::uint32_t> own_option(int level, int option, std::span<char>) override;
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
    Result<Ref<MemoryObject>> memory_object() override;
    unsigned poll(PollTable *) override;
    Error take_error() override { return std::exchange(error_, Error::none); }
    void see(NetDevice &, pbuf *, bool outgoing) override;
    std::uint32_t device_index() const { return index_; }
    std::uint16_t ethernet_type() const { return type_wanted_; }

private:
    struct Frame : boost::intrusive::list_base_hook<> {
        Packet data;
        sockaddr_ll from;
        std::uint32_t length, status;
        std::uint16_t network;
    };
    void attach();
    void keep(pbuf *, std::uint32_t offset, std::uint32_t wanted, FrameFacts const &);
    Result<> packet_option(int option, std::span<char const>);
    Result<> membership(bool add, std::span<char const>);
    Result<Packet> copy_frame(IoBuffer &, NetDevice &, sockaddr_ll const *to);
    boost::intrusive::list<Frame> queue_;
    std::uint32_t queued_bytes_ = 0, index_ = 0, seen_ = 0, dropped_ = 0;
    std::uint16_t type_wanted_ = 0;  // ETH_P_*, host order; 0: nothing yet
    bool auxiliary_ = false, ignore_outgoing_ = false;
    std::uint32_t promiscuous_index_ = 0, promiscuous_count_ = 0;
    int ring_version_ = TPACKET_V1;
    std::uint32_t ring_reserve_ = 0;
    PacketRing ring_;
    Ref<Filter> filter_;
    Error error_ = Error::none;
    WaitQueue readers_;
    Mutex receiving_;
};
}  // namespace kernel::net
