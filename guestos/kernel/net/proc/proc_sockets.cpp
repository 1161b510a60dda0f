// SPDX-License-Identifier: MIT
// /proc/net/{tcp,udp,raw}{,6}: a line for each PCB of lwIP's.
#include <kernel/net/inet/raw_socket.hpp>
#include <kernel/net/inet/tcp_socket.hpp>
#include <kernel/net/inet/udp_socket.hpp>
#include <kernel/net/proc/proc_net.hpp>
#include <lwip/priv/tcp_priv.h>

namespace kernel::net {
namespace {
constexpr char
    heading4[] = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    heading6[] = "  sl  local_address                         remote_address                        st tx_queue "
                 "rx_queue tr tm->when retrnsmt   uid  timeout inode";

// An address as memory has it, four bytes at a time, in hexadecimal.
void print_endpoint(Text &out, ip_addr_t const &ip, unsigned port, bool v6)
{
    if (v6) {
        auto a = to_in6(ip);
        std::uint32_t w[4];
        std::memcpy(w, &a, sizeof w);
        out.print("%08X%08X%08X%08X:%04X", w[0], w[1], w[2], w[3], port);
    } else {
        out.print("%08X:%04X", ip_2_ip4(&ip)->addr, port);
    }
}

struct Line {
    ip_addr_t const &local, &remote;
    unsigned local_port, remote_port, state, unsent, queued, timer = 0, when = 0, retransmits = 0, uid = 0;
    unsigned long long ino = 0;
    unsigned references = 1;
};

void print_line(Text &out, unsigned &number, bool v6, Line const &l)
{
    out.print("%4u: ", number++);
    print_endpoint(out, l.local, l.local_port, v6);
    out.append(" ");
    print_endpoint(out, l.remote, l.remote_port, v6);
    out.print(" %02X %08X:%08X %02X:%08X %08X %5u %8d %llu %u", l.state, l.unsent, l.queued, l.timer, l.when,
              l.retransmits, l.uid, 0, l.ino, l.references);
}

// Which of the two files a socket belongs to: by its family, not by what it talks.
bool is_v6(ip_addr_t const &local) { return !IP_IS_V4_VAL(local); }

void print_connection(Text &out, unsigned &number, bool v6, tcp_pcb const &p)
{
    auto c = connection_of(p);
    bool six = c ? c->family == abi_af_inet6 : is_v6(p.local_ip);
    if (six != v6)
        return;
    TcpConnection const none;
    auto const &k = c ? *c : none;
    unsigned state = c ? static_cast<unsigned>(c->linux_state()) : 6;
    Line l{p.local_ip, p.remote_ip, p.local_port, p.remote_port, state, k.out.bytes(), k.in_bytes};
    l.timer = p.state == TIME_WAIT ? 3 : p.rtime >= 0 ? 1 : p.so_options & SOF_KEEPALIVE ? 2 : 0;
    l.when = l.timer == 1 && p.rto > p.rtime ? static_cast<unsigned>(p.rto - p.rtime) * TCP_SLOW_INTERVAL / 10 : 0;
    l.retransmits = p.nrtx;
    l.uid = k.options.owner_uid;
    l.ino = k.ino;
    l.references = c ? c->use_count() : 1;
    print_line(out, number, v6, l);
    out.print(" %p %u %u %u %u %d\n", nullptr, static_cast<unsigned>(p.rto) * TCP_SLOW_INTERVAL / 10, 4u, 0u,
              p.mss ? p.cwnd / p.mss : 0, -1);
}

void print_listener(Text &out, unsigned &number, bool v6, tcp_pcb_listen const &p)
{
    auto l = static_cast<TcpListener const *>(p.callback_arg);
    ip_addr_t remote;
    ip_addr_set_any_val(v6, remote);
    for (unsigned i = 0; l && i < l->count; ++i) {
        auto const &c = *l->members[i];
        if ((c.family == abi_af_inet6) != v6)
            continue;
        Line line{p.local_ip, remote, p.local_port, 0, 10, 0, c.pending_count};
        line.uid = l->owner_uid;
        line.ino = c.ino;
        print_line(out, number, v6, line);
        out.print(" %p 100 0 0 10 0\n", nullptr);
    }
}

Result<> show_tcp_of(Text &out, bool v6)
{
    Guard guard;
    unsigned number = 0;
    out.print("%s\n", v6 ? heading6 : heading4);
    for (auto p = tcp_listen_pcbs.listen_pcbs; p; p = p->next)
        print_listener(out, number, v6, *p);
    for (auto list : {tcp_active_pcbs, tcp_tw_pcbs})
        for (auto p = list; p; p = p->next)
            print_connection(out, number, v6, *p);
    return {};
}

Result<> show_udp_of(Text &out, bool v6)
{
    Guard guard;
    out.print("%s ref pointer drops\n", v6 ? heading6 : heading4);
    for (auto p = udp_pcbs; p; p = p->next) {
        auto const &s = *static_cast<UdpSocket const *>(p->recv_arg);
        if (!p->local_port || (s.family == abi_af_inet6) != v6)
            continue;
        unsigned number = p->local_port, state = p->flags & UDP_FLAGS_CONNECTED ? 1u : 7u;
        Line l{p->local_ip, p->remote_ip, p->local_port, p->remote_port, state, s.unsent(), s.queued_bytes()};
        l.uid = s.owner_uid();
        l.ino = s.ino();
        print_line(out, number, v6, l);
        out.print(" %p %u\n", nullptr, s.drops());
    }
    return {};
}

Result<> show_raw_of(Text &out, int family, bool ping)
{
    Guard guard;
    bool v6 = family == abi_af_inet6;
    out.print("%s ref pointer drops\n", v6 ? heading6 : heading4);
    for (auto const &s : raw_sockets()) {
        if (s.family != family || s.is_ping() != ping)
            continue;
        auto const &p = s.pcb();
        unsigned port = ping ? s.identifier() : static_cast<unsigned>(s.protocol), number = port;
        Line l{p.local_ip, p.remote_ip, port, 0, p.flags & RAW_FLAGS_CONNECTED ? 1u : 7u, s.unsent(), s.queued_bytes()};
        l.uid = s.owner_uid();
        l.ino = s.ino();
        print_line(out, number, v6, l);
        out.print(" %p %u\n", nullptr, s.drops());
    }
    return {};
}

template <class Pcb>
unsigned length(Pcb const *p)
{
    unsigned n = 0;
    for (; p; p = p->next)
        ++n;
    return n;
}
}  // namespace

Result<> show_tcp(Text &out, ProcTarget const &) { return show_tcp_of(out, false); }
Result<> show_tcp6(Text &out, ProcTarget const &) { return show_tcp_of(out, true); }
Result<> show_udp(Text &out, ProcTarget const &) { return show_udp_of(out, false); }
Result<> show_udp6(Text &out, ProcTarget const &) { return show_udp_of(out, true); }
Result<> show_raw(Text &out, ProcTarget const &) { return show_raw_of(out, abi_af_inet, false); }
Result<> show_raw6(Text &out, ProcTarget const &) { return show_raw_of(out, abi_af_inet6, false); }
Result<> show_icmp(Text &out, ProcTarget const &) { return show_raw_of(out, abi_af_inet, true); }

Result<> show_socket_counts(Text &out, ProcTarget const &)
{
    Guard guard;
    unsigned active = length(tcp_active_pcbs), waiting = length(tcp_tw_pcbs), udp = length(udp_pcbs), raw = 0;
    unsigned listening = length(tcp_listen_pcbs.listen_pcbs);
    for (auto const &s : raw_sockets()) {
        (void)s;
        ++raw;
    }
    out.print("sockets: used %u\nTCP: inuse %u orphan 0 tw %u alloc %u mem 0\nUDP: inuse %u mem 0\nUDPLITE: inuse 0\n",
              active + listening + udp + raw, active + listening, waiting, active + listening, udp);
    out.print("RAW: inuse %u\nFRAG: inuse 0 memory 0\n", raw);
    return {};
}
}  // namespace kernel::net
