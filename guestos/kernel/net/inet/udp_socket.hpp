// SPDX-License-Identifier: MIT
// udp(7).
#pragma once
#include <kernel/net/inet/datagram_socket.hpp>
#include <lwip/udp.h>

namespace kernel::net {
class UdpSocket final : public DatagramSocket {
public:
    UdpSocket(int family_, unsigned open_flags, Ref<SendCredit>, udp_pcb &);
    ~UdpSocket() override;
    Result<> bind(SocketAddress const &) override;
    Result<> connect(SocketAddress const &) override;
    Result<> name(SocketAddress &, bool of_peer) override;
    Result<std::size_t> send(SendRequest &) override;
    Result<> set_own_option(int level, int option, std::span<char const>) override;
    Result<std::uint32_t> own_option(int level, int option, std::span<char>) override;
    udp_pcb const &pcb() const { return *pcb_; }

protected:
    bool is_connected() const override { return (pcb_->flags & UDP_FLAGS_CONNECTED) != 0; }
    void options_changed() override;
    bool can_leave_v6_only() const override { return pcb_->local_port == 0; }

private:
    static void on_datagram(void *self, udp_pcb *, pbuf *, ip_addr_t const *from, u16_t port);
    Result<> bind_port(Endpoint const &);
    bool conflicts(Endpoint const &) const;
    Result<> check_destination(Endpoint &, Control const &) const;
    Result<> send_packet(Packet, Endpoint const &, Control const &);
    Result<std::size_t> send_corked(SendRequest &, bool more);
    udp_pcb *pcb_;
    bool bound_address_ = false;  // by bind(2): it stays when a connection is given up
    bool corked_ = false;
    Packet cork_;  // MSG_MORE, UDP_CORK: what was written so far
    Mutex sending_;
};
}  // namespace kernel::net
