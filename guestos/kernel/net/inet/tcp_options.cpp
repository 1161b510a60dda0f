// SPDX-License-Identifier: MIT
// setsockopt(2) and getsockopt(2) of SOL_TCP, and those of SOL_SOCKET that TCP acts on.
#include <algorithm>
#include <asm/socket.h>
#include <cstring>
#include <kernel/net/inet/tcp_socket.hpp>
#include <linux/tcp.h>
#include <lwip/priv/tcp_priv.h>

namespace kernel::net {
namespace {
constexpr int sol_tcp = 6;
constexpr char algorithm[] = "reno";

std::uint32_t micros_of_ticks(int ticks) { return static_cast<std::uint32_t>(ticks) * TCP_SLOW_INTERVAL * 1000; }
}  // namespace

Result<> TcpSocket::set_own_option(int level, int option, std::span<char const> value)
{
    if (level == sol_tcp) {
        TRY(set_tcp_option(option, value));
        Guard guard;
        c_->apply_options();
        return {};
    }
    if (level != SOL_SOCKET)
        return InetSocket::set_own_option(level, option, value);
    switch (option) {
    case SO_REUSEADDR:
    case SO_REUSEPORT:
    case SO_KEEPALIVE: {
        auto on = TRY(option_number(value)) != 0;
        options.plain[option] = on;
        (option == SO_KEEPALIVE       ? c_->options.keep_alive
             : option == SO_REUSEPORT ? c_->options.reuse_port
                                      : c_->options.reuse_address) = on;
        Guard guard;
        c_->apply_options();
        return {};
    }
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
        options.send_buffer = std::clamp(static_cast<std::uint32_t>(TRY(option_number(value))), 2304u, 212992u) * 2;
        c_->send_limit = std::min<std::uint32_t>(options.send_buffer, TCP_SND_BUF);
        return {};
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        options.receive_buffer = std::clamp(static_cast<std::uint32_t>(TRY(option_number(value))), 1152u, 212992u) * 2;
        c_->options.receive_limit = options.receive_buffer / 2;
        return {};
    default: return InetSocket::set_own_option(level, option, value);
    }
}

Result<> TcpSocket::set_tcp_option(int option, std::span<char const> value)
{
    auto &o = c_->options;
    if (option == TCP_CONGESTION) {
        std::size_t n = 0;
        while (n < value.size() && value[n])
            ++n;
        return std::string_view{value.data(), n} == algorithm ? Result<>{} : Result<>{Error::noent};
    }
    auto n = TRY(option_number(value));
    auto u = static_cast<std::uint32_t>(n);
    auto seconds = [&](std::uint32_t &to, std::uint32_t most) -> Result<> {
        if (n < 1 || u > most)
            return Error::inval;
        to = u;
        return {};
    };
    switch (option) {
    case TCP_NODELAY:
    case TCP_CORK: {
        (option == TCP_CORK ? o.cork : o.no_delay) = n != 0;
        Guard guard;
        c_->apply_options();
        if (option == TCP_NODELAY ? n != 0 : n == 0) {
            c_->hold_small = false;
            c_->pump(!o.cork || option == TCP_NODELAY);
        }
        return {};
    }
    case TCP_MAXSEG:
        if (n != 0 && (n < 88 || n > 32767))
            return Error::inval;
        o.most_segment = static_cast<std::uint16_t>(n);
        return {};
    case TCP_KEEPIDLE: return seconds(o.keep_idle_s, 32767);
    case TCP_KEEPINTVL: return seconds(o.keep_interval_s, 32767);
    case TCP_KEEPCNT: return seconds(o.keep_count, 127);
    case TCP_SYNCNT: return seconds(o.syn_count, 127);
    case TCP_USER_TIMEOUT:
        if (n < 0)
            return Error::inval;
        o.user_timeout_ms = u;
        return {};
    case TCP_DEFER_ACCEPT: o.defer_accept_s = n < 0 ? 0 : u; return {};
    case TCP_LINGER2: o.linger2_s = n < 0 ? 0 : u; return {};
    case TCP_WINDOW_CLAMP: o.window_clamp = u; return {};
    case TCP_QUICKACK: o.quick_ack = n != 0; return {};
    case TCP_FASTOPEN:
    case TCP_NOTSENT_LOWAT: return {};
    default: return Error::noprotoopt;
    }
}

// What lwIP knows of it; the rest stays 0.
tcp_info TcpSocket::describe_connection() const
{
    tcp_info i{};
    i.tcpi_state = static_cast<__u8>(c_->linux_state());
    auto p = c_->pcb;
    if (!p || p->state == LISTEN)
        return i;
    i.tcpi_ca_state = static_cast<__u8>(p->flags & TF_RTO ? 4 : p->flags & TF_INFR ? 3 : 0);  // loss, recovery, open
    i.tcpi_retransmits = p->nrtx;
    i.tcpi_probes = p->persist_probe;
    i.tcpi_backoff = p->nrtx;
    i.tcpi_options = static_cast<__u8>((p->flags & TF_SACK ? TCPI_OPT_SACK : 0)
                                       | (p->flags & TF_WND_SCALE ? TCPI_OPT_WSCALE : 0));
    i.tcpi_snd_wscale = p->snd_scale & 15;
    i.tcpi_rcv_wscale = p->rcv_scale & 15;
    i.tcpi_rto = micros_of_ticks(p->rto);
    i.tcpi_ato = TCP_TMR_INTERVAL * 1000;
    i.tcpi_snd_mss = p->mss;
    i.tcpi_rcv_mss = p->mss;
    for (auto s = p->unacked; s; s = s->next)
        ++i.tcpi_unacked;
    i.tcpi_rtt = micros_of_ticks(p->sa) / 8;
    i.tcpi_rttvar = micros_of_ticks(p->sv) / 4;
    i.tcpi_snd_ssthresh = p->ssthresh / (p->mss ? p->mss : 1);
    i.tcpi_snd_cwnd = p->cwnd / (p->mss ? p->mss : 1);
    i.tcpi_advmss = p->mss;
    i.tcpi_rcv_space = p->rcv_wnd;
    i.tcpi_rcv_ssthresh = p->rcv_ann_wnd;
    i.tcpi_pmtu = p->mss + 40u;
    i.tcpi_notsent_bytes = c_->out.unsent();
    return i;
}

Result<std::uint32_t> TcpSocket::tcp_option(int option, std::span<char> out)
{
    auto const &o = c_->options;
    auto number = [out](std::uint32_t n) { return give_option(out, n); };
    switch (option) {
    case TCP_NODELAY: return number(o.no_delay);
    case TCP_CORK: return number(o.cork);
    case TCP_KEEPIDLE: return number(o.keep_idle_s);
    case TCP_KEEPINTVL: return number(o.keep_interval_s);
    case TCP_KEEPCNT: return number(o.keep_count);
    case TCP_SYNCNT: return number(o.syn_count);
    case TCP_USER_TIMEOUT: return number(o.user_timeout_ms);
    case TCP_DEFER_ACCEPT: return number(o.defer_accept_s);
    case TCP_LINGER2: return number(o.linger2_s);
    case TCP_WINDOW_CLAMP: return number(o.window_clamp);
    case TCP_QUICKACK: return number(o.quick_ack);
    case TCP_FASTOPEN:
    case TCP_NOTSENT_LOWAT: return number(0);
    case TCP_MAXSEG:
        return number(c_->pcb && c_->state == TcpConnection::State::connected ? c_->pcb->mss
                          : o.most_segment                                    ? o.most_segment
                                                                              : 536u);
    case TCP_CONGESTION: {
        auto n = std::min(out.size(), sizeof algorithm);
        std::memcpy(out.data(), algorithm, n);
        return static_cast<std::uint32_t>(n);
    }
    case TCP_INFO: {
        Guard guard;
        return give_option(out, describe_connection());
    }
    default: return Error::noprotoopt;
    }
}

Result<std::uint32_t> TcpSocket::own_option(int level, int option, std::span<char> out)
{
    return level == sol_tcp ? tcp_option(option, out) : InetSocket::own_option(level, option, out);
}
}  // namespace kernel::net
