// SPDX-License-Identifier: MIT
// One end of a TCP connection, between the socket that programs see and lwIP's PCB. It outlives both: a closed socket's last data
// are still to be acknowledged, and a PCB that was reset has left an error for the program to read.
//
//   TcpSocket (the file) --Ref--> TcpConnection <--reference, extension argument-- tcp_pcb
//                                   | SendBuffer out, PacketQueue in
//   listening: --Ref--> TcpListener <--callback argument-- tcp_pcb_listen      (SO_REUSEPORT: several connections' one listener)
//                 pending: connections that nobody has accepted yet
//
// All of it is touched under the network lock only, but for reading a field in a wait condition, and the bytes themselves.
#pragma once
#include <kernel/net/inet/address.hpp>
#include <kernel/net/inet/send_buffer.hpp>
#include <kernel/net/packet_queue.hpp>
#include <kernel/process/wait.hpp>
#include <lwip/tcp.h>

namespace kernel::net {
class TcpConnection;
class TcpSocket;

struct TcpOptions {
    bool no_delay = false, cork = false, keep_alive = false, quick_ack = true;
    bool reuse_address = false, reuse_port = false;
    std::uint32_t keep_idle_s = 7200, keep_interval_s = 75, keep_count = 9;
    std::uint32_t user_timeout_ms = 0, defer_accept_s = 0, syn_count = 6, linger2_s = 60, window_clamp = 0;
    std::uint16_t most_segment = 0;  // TCP_MAXSEG; 0: as the interface has it
    std::uint8_t tos = 0, ttl = 64;
    std::uint32_t owner_uid = 0, receive_limit = 0;  // SO_RCVBUF, if it was set
};

class TcpListener final : public RefCounted {
public:
    tcp_pcb *pcb = nullptr;
    static constexpr unsigned most_members = 64;
    TcpConnection *members[most_members] = {};
    unsigned count = 0;
    bool reuse_address = false, reuse_port = false;
    std::uint32_t owner_uid = 0;
    TcpConnection *chosen_for(ip_addr_t const &remote, std::uint16_t port) const;
    void leave(TcpConnection &);  // the last one closes the PCB
};

class TcpConnection final : public RefCounted {
public:
    enum class State : std::uint8_t { idle, connecting, connected, listening, closed };
    TcpConnection() = default;
    ~TcpConnection() override;
    State state = State::idle;
    tcp_pcb *pcb = nullptr;  // idle, connecting, connected: until lwIP frees it
    int family = abi_af_inet;
    std::uint64_t ino = 0;                               // the socket's, for /proc/net/tcp
    bool has_socket = false;                             // a file or a listener's queue refers to it
    bool peer_finished = false;                          // FIN received
    bool no_more_input = false, no_more_output = false;  // shutdown(2)
    bool finish_wanted = false;                          // FIN goes after what is still in `out`
    bool close_wanted = false;                           // and then nobody is there any more
    Error error = Error::none;                           // SO_ERROR
    Endpoint local{}, remote{};                          // as they were when it was connected
    TcpOptions options;
    WaitQueue readers, writers;

    // --- sending ---
    SendBuffer out;
    std::uint32_t send_limit = 212992;
    bool hold_small = false;  // MSG_MORE on the last write
    bool has_send_room() const { return out.bytes() + out.bytes() / 2 < send_limit; }
    bool may_write() const { return state == State::connected && !no_more_output && pcb; }
    void pump(bool all);  // hands data to lwIP: whole segments, or all

    // --- receiving ---
    PacketQueue in;
    std::uint32_t in_bytes = 0, in_offset = 0;  // in_offset: of the first packet, consumed
    std::uint32_t withheld = 0;                 // consumed, but not opened to the sender again: receive_limit
    void consume(std::uint32_t n);

    // --- listening ---
    Ref<TcpListener> listener;
    unsigned backlog = 0, pending_count = 0;
    void add_pending(Ref<TcpConnection>);
    Ref<TcpConnection> take_pending();

    Result<> ensure_pcb(std::uint8_t address_type);
    void adopt(tcp_pcb &);                                // callbacks, options
    static err_t on_connected(void *, tcp_pcb *, err_t);  // for tcp_connect()
    void apply_options();
    void close(bool reset);  // the socket is gone
    void shut_output();
    void give_up_pcb() { drop_pcb(false); }  // one that talks to nobody yet
    void wake_both();
    int linux_state() const;  // TCP_ESTABLISHED, … of linux/tcp_states.h

private:
    static err_t on_received(void *, tcp_pcb *, pbuf *, err_t);
    static err_t on_sent(void *, tcp_pcb *, u16_t);
    static err_t on_poll(void *, tcp_pcb *);
    static void on_error(void *, err_t);
    static void on_destroyed(u8_t, void *);
    static tcp_ext_arg_callbacks const destroyed_callbacks;
    friend err_t accept_connection(void *, tcp_pcb *, err_t);
    bool append_small(pbuf *);
    void finish();
    void drop_pcb(bool reset);
    unsigned quick_acks_ = 16;  // the beginning is acknowledged at once: the sender's window opens faster
    TcpConnection *first_pending_ = nullptr, *last_pending_ = nullptr, *next_pending_ = nullptr;  // with a reference each
};

err_t accept_connection(void *listener, tcp_pcb *, err_t);
// An ICMP message about a segment.
void tcp_icmp_error(ip_addr_t const &local, std::uint16_t local_port, ip_addr_t const &remote,
                    std::uint16_t remote_port, Error);
inline TcpConnection *connection_of(tcp_pcb const &p) { return static_cast<TcpConnection *>(p.ext_args[0].data); }
}  // namespace kernel::net
