// SPDX-License-Identifier: MIT
// Listening, the connections that wait to be accepted, and what a segment may do before lwIP looks at it.
#include <cstring>
#include <kernel/net/inet/tcp_connection.hpp>
#include <kernel/net/thread.hpp>
#include <kernel/random.hpp>
#include <lwip/priv/tcp_priv.h>

#include <hooks.h>

namespace kernel::net {
namespace {
std::uint32_t hash(ip_addr_t const &remote, std::uint16_t port)
{
    std::uint32_t h = port * 2654435761u;
    for (unsigned i = 0; i < (IP_IS_V6_VAL(remote) ? 4u : 1u); ++i)
        h = (h ^ (IP_IS_V6_VAL(remote) ? ip_2_ip6(&remote)->addr[i] : ip_2_ip4(&remote)->addr)) * 2654435761u;
    return h ^ h >> 16;
}
}  // namespace

TcpConnection *TcpListener::chosen_for(ip_addr_t const &remote, std::uint16_t port) const
{
    return count ? members[hash(remote, port) % count] : nullptr;
}

void TcpListener::leave(TcpConnection &gone)
{
    for (unsigned i = 0; i < count; ++i)
        if (members[i] == &gone)
            members[i] = members[--count];
    if (count || !pcb)
        return;
    tcp_arg(pcb, nullptr);
    (void)tcp_close(pcb);
    pcb = nullptr;
}

void TcpConnection::add_pending(Ref<TcpConnection> c)
{
    auto added = c.release();
    added->next_pending_ = nullptr;
    (last_pending_ ? last_pending_->next_pending_ : first_pending_) = added;
    last_pending_ = added;
    ++pending_count;
    readers.wake_all();
}

Ref<TcpConnection> TcpConnection::take_pending()
{
    if (!first_pending_)
        return {};
    auto taken = first_pending_;
    first_pending_ = taken->next_pending_;
    if (!first_pending_)
        last_pending_ = nullptr;
    --pending_count;
    Ref<TcpConnection> r{taken};
    taken->unref();
    return r;
}

// The handshake is complete. The connection waits in the queue of the socket it was meant for.
err_t accept_connection(void *arg, tcp_pcb *p, err_t e)
{
    auto listener = static_cast<TcpListener *>(arg);
    if (e != ERR_OK || !listener || !p)
        return ERR_VAL;
    auto to = listener->chosen_for(p->remote_ip, p->remote_port);
    if (!to || to->pending_count > to->backlog)
        return ERR_MEM;
    auto made = make_ref<TcpConnection>();
    if (!made.ok())
        return ERR_MEM;
    auto c = made.value();
    c->options = to->options;
    c->family = to->family;
    c->send_limit = to->send_limit;
    c->state = TcpConnection::State::connected;
    c->local = {p->local_ip, p->local_port};
    c->remote = {p->remote_ip, p->remote_port};
    c->has_socket = true;
    c->adopt(*p);
    to->add_pending(c);
    return ERR_OK;
}

int TcpConnection::linux_state() const
{
    if (state == State::listening)
        return 10;
    if (!pcb)
        return 7;
    switch (pcb->state) {
    case SYN_SENT: return 2;
    case SYN_RCVD: return 3;
    case ESTABLISHED: return 1;
    case FIN_WAIT_1: return 4;
    case FIN_WAIT_2: return 5;
    case CLOSE_WAIT: return 8;
    case CLOSING: return 11;
    case LAST_ACK: return 9;
    case TIME_WAIT: return 6;
    default: return 7;
    }
}

void tcp_icmp_error(ip_addr_t const &local, std::uint16_t local_port, ip_addr_t const &remote,
                    std::uint16_t remote_port, Error e)
{
    if (e != Error::connrefused && e != Error::noprotoopt)
        return;  // may pass: the connection goes on trying
    for (auto pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (pcb->state == SYN_SENT && pcb->local_port == local_port && pcb->remote_port == remote_port
            && ip_addr_cmp_zoneless(&pcb->local_ip, &local) && ip_addr_cmp_zoneless(&pcb->remote_ip, &remote)) {
            if (auto c = connection_of(*pcb))
                c->error = e;
            tcp_abort(pcb);
            return;
        }
}
}  // namespace kernel::net

using namespace kernel::net;

err_t lwip_port_tcp_input(tcp_pcb *pcb, tcp_hdr *header)
{
    tcp_is_active();
    bool syn = (TCPH_FLAGS(header) & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
    if (!syn)
        return ERR_OK;
    if (pcb->state == LISTEN) {
        // A queue that is full takes nobody: the client tries again.
        auto listener = static_cast<TcpListener *>(pcb->callback_arg);
        auto to = listener ? listener->chosen_for(*ip_current_src_addr(), header->src) : nullptr;
        return to && to->pending_count <= to->backlog ? ERR_OK : ERR_MEM;
    }
    // The same client from the same port again, with numbers beyond those of the connection that ended: its time to wait is over
    // (RFC 6191); the next attempt finds the listener.
    if (pcb->state == TIME_WAIT && TCP_SEQ_GT(header->seqno, pcb->rcv_nxt)) {
        tcp_abort(pcb);
        return ERR_MEM;
    }
    return ERR_OK;
}

uint32_t lwip_port_initial_sequence(ip_addr_t const *local_ip, uint16_t local_port, ip_addr_t const *remote_ip,
                                    uint16_t remote_port)
{
    static constinit std::uint32_t secret[8] = {};
    if (!secret[0])
        kernel::random_bytes(secret, sizeof secret);
    std::uint32_t key[8], nonce[3] = {static_cast<std::uint32_t>(local_port) << 16 | remote_port, 0, 0}, out[16];
    std::memcpy(key, secret, sizeof key);
    for (unsigned i = 0; i < 4; ++i) {
        key[i] ^= IP_IS_V6(local_ip) ? ip_2_ip6(local_ip)->addr[i] : i == 0 ? ip_2_ip4(local_ip)->addr : 0;
        key[i + 4] ^= IP_IS_V6(remote_ip) ? ip_2_ip6(remote_ip)->addr[i] : i == 0 ? ip_2_ip4(remote_ip)->addr : 0;
    }
    kernel::chacha20_block(key, 0, nonce, out);
    constexpr std::uint64_t ns_per_number = 4000;  // RFC 6528: the clock that is added ticks each 4 microseconds
    return out[0] + static_cast<std::uint32_t>(arch::now_ns() / ns_per_number);
}
