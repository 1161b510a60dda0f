// SPDX-License-Identifier: MIT
#include <abi/interface.h>
#include <algorithm>
#include <asm/socket.h>
#include <kernel/net/inet/inet_socket.hpp>
#include <kernel/net/packet/packet_socket.hpp>
#include <kernel/process/process.hpp>
#include <kernel/time/timer.hpp>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/poll.h>

namespace kernel::net {
namespace {
constexpr int sol_packet = 263;
constexpr std::uint16_t abi_af_packet = 17;

Result<Ref<Socket>> create(int type, int protocol, unsigned open_flags)
{
    if (!current().credentials.has_cap(CAP_NET_RAW))
        return Error::perm;
    if (type != abi_sock_raw && type != abi_sock_dgram)
        return Error::socktnosupport;
    return Ref<Socket>{TRY(make_ref<PacketSocket>(type, protocol, open_flags))};
}
REGISTER_SOCKET_FAMILY(packet_family, abi_af_packet, create, nullptr);

// Who a frame is for, as the packet type says it.
std::uint8_t kind_of(NetDevice const &d, unsigned char const *to, bool outgoing)
{
    static constexpr unsigned char everybody[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    if (outgoing)
        return PACKET_OUTGOING;
    if (d.is_loopback() || std::memcmp(to, d.mac.bytes, 6) == 0)
        return PACKET_HOST;
    if (std::memcmp(to, everybody, 6) == 0)
        return PACKET_BROADCAST;
    return to[0] & 1 ? PACKET_MULTICAST : PACKET_OTHERHOST;
}
}  // namespace

PacketSocket::PacketSocket(int type_, int protocol_, unsigned open_flags)
    : Socket{abi_af_packet, type_, protocol_, open_flags}
{
    type_wanted_ = swap16(static_cast<std::uint16_t>(protocol_));
    Guard guard;
    attach();
}

PacketSocket::~PacketSocket()
{
    Guard guard;
    if (promiscuous_count_)
        if (auto d = find_device(promiscuous_index_)) {
            d->promiscuous -= promiscuous_count_;
            d->receive_mode_changed();
        }
    unlink();
    queue_.clear_and_dispose([](Frame *f) { delete f; });
}

// To one interface's taps, or to those of all.
void PacketSocket::attach()
{
    unlink();
    if (!type_wanted_)
        return;
    if (!index_)
        taps_of_all().push_back(*this);
    else if (auto d = find_device(index_))
        d->taps.push_back(*this);
}

Result<> PacketSocket::bind(SocketAddress const &a)
{
    sockaddr_ll s;
    if (a.bytes < sizeof s || a.family() != abi_af_packet)
        return Error::inval;
    std::memcpy(&s, a.data, sizeof s);
    Guard guard;
    if (s.sll_ifindex && !find_device(static_cast<std::uint32_t>(s.sll_ifindex)))
        return Error::nodev;
    index_ = static_cast<std::uint32_t>(s.sll_ifindex);
    if (s.sll_protocol)
        type_wanted_ = swap16(s.sll_protocol);
    attach();
    return {};
}

Result<> PacketSocket::name(SocketAddress &out, bool of_peer)
{
    if (of_peer)
        return Error::opnotsupp;
    sockaddr_ll s{};
    s.sll_family = abi_af_packet;
    s.sll_protocol = swap16(type_wanted_);
    s.sll_ifindex = static_cast<int>(index_);
    if (auto d = find_device(index_)) {
        s.sll_hatype = d->is_loopback() ? abi_arphrd_loopback : abi_arphrd_ether;
        s.sll_halen = 6;
        std::memcpy(s.sll_addr, d->mac.bytes, 6);
    }
    out.bytes = sizeof s;
    std::memcpy(out.data, &s, sizeof s);
    return {};
}

// Loopback's packets have no link header; one of zeros is made up for them.
void PacketSocket::see(NetDevice &d, pbuf *p, bool outgoing)
{
    if ((outgoing && (ignore_outgoing_ || (d.is_loopback() && type_wanted_ == ETH_P_ALL)))
        || (outgoing && type_wanted_ != ETH_P_ALL))
        return;
    unsigned char link[ethernet_header_bytes] = {};
    Packet made;
    if (d.is_loopback()) {
        unsigned version = *static_cast<unsigned char const *>(p->payload) >> 4;
        link[12] = version == 6 ? 0x86 : 0x08;
        link[13] = version == 6 ? 0xdd : 0x00;
        made = allocate_packet(PBUF_RAW, ethernet_header_bytes);
        if (!made)
            return;
        std::memcpy(made->payload, link, sizeof link);
        auto rest = borrow(p, 0, p->tot_len);
        if (!rest || p->tot_len > most_frame_bytes - ethernet_header_bytes)
            return;
        pbuf_cat(made.get(), rest.release());
    } else {
        pbuf_copy_partial(p, link, sizeof link, 0);
    }
    auto frame = made ? made.get() : p;
    std::uint16_t ethernet_type = static_cast<std::uint16_t>(link[12] << 8 | link[13]);
    if (type_wanted_ != ETH_P_ALL && type_wanted_ != ethernet_type)
        return;
    FrameFacts facts;
    facts.from.sll_family = abi_af_packet;
    facts.from.sll_protocol = swap16(ethernet_type);
    facts.from.sll_ifindex = static_cast<int>(d.index);
    facts.from.sll_hatype = d.is_loopback() ? abi_arphrd_loopback : abi_arphrd_ether;
    facts.from.sll_pkttype = kind_of(d, link, outgoing);
    facts.from.sll_halen = 6;
    std::memcpy(facts.from.sll_addr, link + 6, 6);
    facts.status = static_cast<Checksum>(p->checksum_state) == Checksum::blank ? unsigned{TP_STATUS_CSUMNOTREADY} : 0;
    std::uint32_t offset = type == abi_sock_raw ? 0 : ethernet_header_bytes;
    FilterContext context{ethernet_type, facts.from.sll_pkttype, d.index, facts.from.sll_hatype,
                          type == abi_sock_raw ? ethernet_header_bytes : 0u};
    std::uint32_t wanted = 0xffff'ffff;
    if (filter_) {
        auto view = offset ? borrow(frame, offset, frame->tot_len - offset) : Packet::share(frame);
        if (view)
            wanted = filter_->run(view.get(), context);
    }
    if (!wanted)
        return;
    facts.length = frame->tot_len - offset;
    facts.link_bytes = type == abi_sock_raw ? ethernet_header_bytes : 0;
    keep(frame, offset, std::min(wanted, facts.length), facts);
}

void PacketSocket::keep(pbuf *p, std::uint32_t offset, std::uint32_t bytes, FrameFacts const &facts)
{
    ++seen_;
    if (ring_.exists()) {
        auto timed = facts;
        timed.time_ns = realtime_ns();
        if (!ring_.put(p, offset, bytes, timed, dropped_ != 0))
            ++dropped_;
        readers_.wake_all();
        return;
    }
    constexpr std::uint32_t overhead = 512;
    if (queued_bytes_ + bytes + overhead > options.receive_buffer) {
        ++dropped_;
        return;
    }
    auto f = new (std::nothrow) Frame;
    auto copy = f ? allocate_packet(PBUF_RAW, bytes) : Packet{};
    if (!copy) {
        delete f;
        ++dropped_;
        return;
    }
    pbuf_copy_partial(p, copy->payload, static_cast<u16_t>(bytes), static_cast<u16_t>(offset));
    f->data = std::move(copy);
    f->from = facts.from;
    f->length = facts.length;
    f->status = facts.status;
    f->network = static_cast<std::uint16_t>(facts.link_bytes);
    queue_.push_back(*f);
    queued_bytes_ += bytes + overhead;
    readers_.wake_all();
}

Result<std::size_t> PacketSocket::receive(ReceiveRequest &r)
{
    if (r.flags & (abi_msg_oob | abi_msg_errqueue))
        return Error::again;
    auto deadline = receive_deadline();
    for (;;) {
        auto ready = [this] { return !queue_.empty() || error_ != Error::none; };
        if (!ready()) {
            if (!may_block(r.flags))
                return Error::again;
            auto slept = wait_until(readers_, ready, Sleep::interruptible, deadline);
            if (!slept.ok())
                return again_if_timed_out(slept.error());
        }
        if (error_ != Error::none)
            return take_error();
        MutexGuard guard{receiving_};
        if (queue_.empty())
            continue;
        auto &f = queue_.front();
        std::size_t size = f.data.bytes(), n = std::min(size, r.data.left());
        if (n)
            TRY(r.data.put(f.data->payload, n));
        if (n < size)
            r.out_flags |= abi_msg_trunc;
        if (r.from) {
            r.from->bytes = sizeof f.from;
            std::memcpy(r.from->data, &f.from, sizeof f.from);
        }
        if (auxiliary_ && r.control) {
            tpacket_auxdata a{};
            a.tp_status = TP_STATUS_USER | f.status;
            a.tp_len = f.length;
            a.tp_snaplen = static_cast<__u32>(size);
            a.tp_net = f.network;
            if (!r.control->put(sol_packet, PACKET_AUXDATA, &a, sizeof a))
                r.out_flags |= abi_msg_ctrunc;
        }
        if (!(r.flags & abi_msg_peek)) {
            queue_.erase(queue_.iterator_to(f));
            constexpr std::uint32_t overhead = 512;
            queued_bytes_ -= f.data.bytes() + overhead;
            delete &f;
        }
        return r.flags & abi_msg_trunc ? size : n;
    }
}

Result<Packet> PacketSocket::copy_frame(IoBuffer &from, NetDevice &d, sockaddr_ll const *to)
{
    auto n = from.left();
    std::uint32_t header = type == abi_sock_raw ? 0 : ethernet_header_bytes;
    if (n > d.mtu + (header ? 0u : ethernet_header_bytes + 4u))
        return Error::msgsize;
    if (type == abi_sock_raw && n < ethernet_header_bytes)
        return Error::inval;
    auto p = allocate_packet(PBUF_RAW, header + static_cast<std::uint32_t>(n));
    if (!p)
        return Error::nobufs;
    auto start = static_cast<unsigned char *>(p->payload);
    if (header) {
        if (!to || to->sll_halen < 6)
            return Error::inval;
        std::memcpy(start, to->sll_addr, 6);
        std::memcpy(start + 6, d.mac.bytes, 6);
        std::memcpy(start + 12, &to->sll_protocol, 2);
    }
    if (n && TRY(from.get(start + header, n)) != n)
        return Error::fault;
    return p;
}

Result<std::size_t> PacketSocket::send(SendRequest &r)
{
    sockaddr_ll to{};
    if (r.to) {
        if (r.to->bytes < sizeof to || r.to->family() != abi_af_packet)
            return Error::inval;
        std::memcpy(&to, r.to->data, sizeof to);
    }
    Ref<NetDevice> d{find_device(r.to ? static_cast<std::uint32_t>(to.sll_ifindex) : index_)};
    if (!d)
        return Error::nxio;
    if (!d->up)
        return Error::netdown;
    auto n = r.data.left();
    auto p = TRY(copy_frame(r.data, *d, r.to ? &to : nullptr));
    Guard guard;
    if (d->is_loopback())
        pbuf_remove_header(p.get(), ethernet_header_bytes);
    d->send(std::move(p));
    return n;
}

Result<Ref<MemoryObject>> PacketSocket::memory_object()
{
    if (!ring_.exists())
        return Error::inval;
    return ring_.object();
}

unsigned PacketSocket::poll(PollTable *table)
{
    if (table)
        table->add(readers_);
    bool input = ring_.exists() ? ring_.has_input() : !queue_.empty();
    return POLLOUT | POLLWRNORM | (input ? POLLIN | POLLRDNORM : 0u) | (error_ != Error::none ? POLLERR : 0u);
}
}  // namespace kernel::net
