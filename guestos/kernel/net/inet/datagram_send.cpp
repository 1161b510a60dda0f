// SPDX-License-Identifier: MIT
// The memory of datagrams on their way out, and control messages in both directions.
#include <algorithm>
#include <asm/socket.h>
#include <cstring>
#include <kernel/memory/frames.hpp>
#include <kernel/net/inet/datagram_socket.hpp>
#include <kernel/time/clock.hpp>
#include <linux/errqueue.h>
#include <linux/ipv6.h>

namespace kernel::net {
namespace {
constexpr int sol_ip = 0, sol_ipv6 = 41;

// The first piece of a datagram: headers go before it, and when it is given up so is the socket's credit.
struct CreditPbuf : pbuf_custom {
    SendCredit *credit;
    std::uint32_t counted;
};
constexpr std::uint32_t first_piece = 768;  // what is longer lies in pages, which need no copy on their way out
constexpr std::uint32_t header_room = 128;
static_assert(header_room >= PBUF_TRANSPORT);

void give_back(pbuf *p)
{
    auto self = reinterpret_cast<CreditPbuf *>(p);
    auto credit = self->credit;
    credit->used -= self->counted;
    credit->freed.wake_all();
    credit->unref();
    ::operator delete(self);
}

Packet make_first(SendCredit &credit, std::uint32_t bytes, std::uint32_t counted)
{
    auto raw = ::operator new(sizeof(CreditPbuf) + header_room + bytes, std::nothrow);
    if (!raw)
        return {};
    auto c = new (raw) CreditPbuf{};
    c->credit = &credit;
    c->counted = counted;
    c->custom_free_function = give_back;
    credit.ref();
    credit.used += counted;
    auto room = static_cast<u16_t>(header_room + bytes);
    return Packet{pbuf_alloced_custom(PBUF_TRANSPORT, static_cast<u16_t>(bytes), PBUF_RAM, c, c + 1, room)};
}

// Pages for what does not fit into the first piece.
Result<> add_pages(Packet &p, std::uint32_t bytes)
{
    while (bytes) {
        auto n = std::min<std::uint32_t>(bytes, page_size);
        auto frame = TRY(allocate_frame());
        if (n < page_size)  // the whole page may be shown to another domain
            std::memset(static_cast<char *>(frame_address(frame)) + n, 0, page_size - n);
        auto piece = packet_of_frame(frame, 0, n);
        if (!piece)
            return Error::nobufs;
        pbuf_cat(p.get(), piece.release());
        bytes -= n;
    }
    return {};
}
}  // namespace

Result<Packet> DatagramSocket::copy_in(IoBuffer &from, std::uint32_t bytes, unsigned with)
{
    auto room = [&] { return credit_->used < options.send_buffer || no_more_output_; };
    if (!room()) {
        if (!may_block(with))
            return Error::again;
        auto slept = wait_until(credit_->freed, room, Sleep::interruptible, send_deadline());
        if (!slept.ok())
            return again_if_timed_out(slept.error());
    }
    if (no_more_output_)
        return Error::pipe;
    Packet p;
    {
        Guard guard;
        std::uint32_t in_front = bytes <= first_piece ? bytes : 8;  // raw sockets look at the first bytes: ICMP's header
        if (bytes > first_piece && ip_options().header_included)
            in_front = 60;
        p = make_first(*credit_, in_front, bytes + Datagram::overhead);
        if (!p)
            return Error::nobufs;
        TRY(add_pages(p, bytes - in_front));
    }
    for (auto piece = p.get(); piece; piece = piece->next)
        if (piece->len && TRY(from.get(piece->payload, piece->len)) != piece->len)
            return Error::fault;
    return p;
}

Result<DatagramSocket::Control> DatagramSocket::read_control(std::span<char const> bytes) const
{
    Control c;
    while (bytes.size() >= sizeof(abi_cmsghdr)) {
        abi_cmsghdr h;
        std::memcpy(&h, bytes.data(), sizeof h);
        if (h.bytes < sizeof h || h.bytes > bytes.size())
            return Error::inval;
        auto data = bytes.subspan(sizeof h, h.bytes - sizeof h);
        auto number = [data] {
            std::int32_t n = -1;
            std::memcpy(&n, data.data(), std::min(data.size(), sizeof n));
            return n;
        };
        if (h.level == sol_ip && h.type == IP_PKTINFO && data.size() >= sizeof(in_pktinfo)) {
            in_pktinfo i;
            std::memcpy(&i, data.data(), sizeof i);
            c.device = find_device(static_cast<std::uint32_t>(i.ipi_ifindex));
            c.has_source = i.ipi_spec_dst.s_addr != 0;
            ip_addr_set_ip4_u32_val(c.source.ip, i.ipi_spec_dst.s_addr);
        } else if (h.level == sol_ipv6 && h.type == IPV6_PKTINFO && data.size() >= sizeof(in6_pktinfo)) {
            in6_pktinfo i;
            std::memcpy(&i, data.data(), sizeof i);
            std::uint32_t w[4];
            std::memcpy(w, &i.ipi6_addr, sizeof w);
            c.device = find_device(static_cast<std::uint32_t>(i.ipi6_ifindex));
            c.has_source = (w[0] | w[1] | w[2] | w[3]) != 0;
            IP_ADDR6(&c.source.ip, w[0], w[1], w[2], w[3]);
        } else if ((h.level == sol_ip && h.type == IP_TTL) || (h.level == sol_ipv6 && h.type == IPV6_HOPLIMIT)) {
            c.ttl = number();
        } else if ((h.level == sol_ip && h.type == IP_TOS) || (h.level == sol_ipv6 && h.type == IPV6_TCLASS)) {
            c.tos = number();
        } else if (h.level != SOL_SOCKET) {
            return Error::inval;
        }
        auto step = std::min<std::size_t>((h.bytes + 3) & ~3u, bytes.size());
        bytes = bytes.subspan(step);
    }
    return c;
}

void DatagramSocket::deliver_control(ReceiveRequest &r, Datagram const &d)
{
    if (!r.control)
        return;
    auto put = [&r](int level, int kind, auto const &value) {
        if (!r.control->put(level, kind, &value, sizeof value))
            r.out_flags |= abi_msg_ctrunc;
    };
    auto const &o = ip_options();
    std::int32_t ttl = d.ttl, tos = d.tos;
    if (options.plain[SO_TIMESTAMP_OLD])
        put(SOL_SOCKET, SO_TIMESTAMP_OLD, to_timeval(d.time_ns));
    if (!IP_IS_V6_VAL(d.to.ip)) {
        in_pktinfo i{};
        i.ipi_ifindex = static_cast<int>(d.device);
        i.ipi_addr.s_addr = i.ipi_spec_dst.s_addr = ip_2_ip4(&d.to.ip)->addr;
        if (o.packet_info)
            put(sol_ip, IP_PKTINFO, i);
        if (o.with_ttl)
            put(sol_ip, IP_TTL, ttl);
        if (o.with_tos)
            put(sol_ip, IP_TOS, d.tos);
    }
    if (family == abi_af_inet6) {
        in6_pktinfo i{};
        i.ipi6_ifindex = static_cast<int>(d.device);
        i.ipi6_addr = to_in6(d.to.ip);
        if (o.packet_info6)
            put(sol_ipv6, IPV6_PKTINFO, i);
        if (o.hop_limit)
            put(sol_ipv6, IPV6_HOPLIMIT, ttl);
        if (o.traffic_class)
            put(sol_ipv6, IPV6_TCLASS, tos);
    }
}

// The beginning of what was sent, and as a control message who says what about it.
Result<std::size_t> DatagramSocket::receive_error(ReceiveRequest &r)
{
    if (errors_.empty())
        return Error::again;
    MutexGuard guard{receiving_};
    if (errors_.empty())
        return Error::again;
    auto &e = errors_.front();
    std::size_t n = std::min<std::size_t>(e.bytes, r.data.left());
    if (n)
        TRY(r.data.put(e.data, n));
    if (n < e.bytes)
        r.out_flags |= abi_msg_trunc;
    r.out_flags |= abi_msg_errqueue;
    if (r.from)
        *r.from = to_address(e.destination, family);
    if (r.control) {
        struct {
            sock_extended_err error;
            char offender[sizeof(sockaddr_in6)];
        } message{};
        bool v6 = e.reporter.is_v6();
        message.error.ee_errno = static_cast<std::uint32_t>(e.error);
        message.error.ee_origin = v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP;
        message.error.ee_type = e.type;
        message.error.ee_code = e.code;
        message.error.ee_info = e.info;
        auto offender = to_address(e.reporter, v6 ? abi_af_inet6 : abi_af_inet);
        std::memcpy(message.offender, offender.data, offender.bytes);
        auto bytes = static_cast<std::uint32_t>(sizeof message.error + (v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in)));
        if (!r.control->put(v6 ? sol_ipv6 : sol_ip, v6 ? IPV6_RECVERR : IP_RECVERR, &message, bytes))
            r.out_flags |= abi_msg_ctrunc;
    }
    errors_.erase(errors_.iterator_to(e));
    delete &e;
    return n;
}
}  // namespace kernel::net
