// SPDX-License-Identifier: MIT
// raw(7) sockets, and those of icmp(7) for echoes alone ("ping sockets": SOCK_DGRAM, IPPROTO_ICMP).
#pragma once
#include <kernel/net/inet/datagram_socket.hpp>
#include <lwip/raw.h>

namespace kernel::net {
class RawSocket final : public DatagramSocket, public boost::intrusive::list_base_hook<> {
public:
    RawSocket(int family_, int type_, int protocol_, unsigned open_flags, Ref<SendCredit>, raw_pcb &);
    ~RawSocket() override;
    Result<> bind(SocketAddress const &) override;
    Result<> connect(SocketAddress const &) override;
    Result<> name(SocketAddress &, bool of_peer) override;
    Result<std::size_t> send(SendRequest &) override;
    Result<> set_own_option(int level, int option, std::span<char const>) override;
    Result<std::uint32_t> own_option(int level, int option, std::span<char>) override;
    raw_pcb const &pcb() const { return *pcb_; }
    bool is_ping() const { return type == abi_sock_dgram; }
    std::uint16_t identifier() const { return identifier_; }

protected:
    bool is_connected() const override { return (pcb_->flags & RAW_FLAGS_CONNECTED) != 0; }
    void options_changed() override;

private:
    static u8_t on_packet(void *self, raw_pcb *, pbuf *, ip_addr_t const *from);
    void take(pbuf *, ip_addr_t const &from);
    bool filtered(std::uint8_t icmp_type) const;
    Result<> complete_header(pbuf &, Endpoint &to, ip_addr_t const &source);
    Result<> prepare_echo(pbuf &);
    Result<> choose_identifier(std::uint16_t wanted);
    Result<> send_packet(Packet, Endpoint to, Control const &);
    raw_pcb *pcb_;
    std::uint16_t identifier_ = 0;   // of ping sockets
    std::uint32_t icmp_filter_ = 0;  // bit set: not wanted
    std::uint32_t icmp6_filter_[8] = {};
};
using RawSocketList = boost::intrusive::list<RawSocket, boost::intrusive::constant_time_size<false>>;
RawSocketList &raw_sockets();
}  // namespace kernel::net
