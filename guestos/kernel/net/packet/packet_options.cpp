// SPDX-License-Identifier: MIT
#include <asm/socket.h>
#include <kernel/net/inet/inet_socket.hpp>
#include <kernel/net/packet/packet_socket.hpp>

namespace kernel::net {
namespace {
constexpr int sol_packet = 263;
}

// Promiscuous mode lasts as long as the socket; groups need none of it: every frame is shown that arrives.
Result<> PacketSocket::membership(bool add, std::span<char const> value)
{
    packet_mreq m{};
    if (value.size() < 8)
        return Error::inval;
    std::memcpy(&m, value.data(), value.size() < sizeof m ? value.size() : sizeof m);
    auto index = static_cast<std::uint32_t>(m.mr_ifindex);
    Guard guard;
    auto d = find_device(index);
    if (!d)
        return Error::nodev;
    if (m.mr_type != PACKET_MR_PROMISC)
        return {};
    if (promiscuous_count_ && promiscuous_index_ != index)
        return Error::opnotsupp;
    if (!add && !promiscuous_count_)
        return Error::addrnotavail;
    promiscuous_index_ = index;
    promiscuous_count_ += add ? 1u : ~0u;
    d->promiscuous += add ? 1u : ~0u;
    d->receive_mode_changed();
    return {};
}

Result<> PacketSocket::packet_option(int option, std::span<char const> value)
{
    switch (option) {
    case PACKET_ADD_MEMBERSHIP: return membership(true, value);
    case PACKET_DROP_MEMBERSHIP: return membership(false, value);
    case PACKET_RX_RING: {
        tpacket_req r;
        if (value.size() < sizeof r)
            return Error::inval;
        std::memcpy(&r, value.data(), sizeof r);
        Guard guard;
        if (r.tp_block_nr == 0) {
            ring_.release();
            return {};
        }
        if (ring_version_ != TPACKET_V2)
            return Error::inval;
        return ring_.exists() ? Result<>{Error::busy} : ring_.make(r, ring_reserve_);
    }
    case PACKET_TX_RING:
    case PACKET_FANOUT:
    case PACKET_VNET_HDR: return Error::noprotoopt;
    default: break;
    }
    auto n = TRY(option_number(value));
    switch (option) {
    case PACKET_AUXDATA: auxiliary_ = n != 0; return {};
    case PACKET_IGNORE_OUTGOING: ignore_outgoing_ = n != 0; return {};
    case PACKET_VERSION:
        if (n != TPACKET_V1 && n != TPACKET_V2)
            return Error::inval;
        if (ring_.exists())
            return Error::busy;
        ring_version_ = n;
        return {};
    case PACKET_RESERVE:
        if (ring_.exists())
            return Error::busy;
        if (n < 0 || n > 4096)
            return Error::inval;
        ring_reserve_ = static_cast<std::uint32_t>(n);
        return {};
    case PACKET_COPY_THRESH:
    case PACKET_ORIGDEV:
    case PACKET_LOSS:
    case PACKET_TIMESTAMP: return {};
    default: return Error::noprotoopt;
    }
}

Result<> PacketSocket::set_own_option(int level, int option, std::span<char const> value)
{
    if (level == sol_packet)
        return packet_option(option, value);
    if (level != SOL_SOCKET)
        return Error::noprotoopt;
    if (option == SO_ATTACH_FILTER) {
        auto f = TRY(Filter::load(value));
        Guard guard;
        filter_ = f;
        return {};
    }
    if (option == SO_DETACH_FILTER) {
        Guard guard;
        filter_ = nullptr;
        return {};
    }
    return Error::noprotoopt;
}

Result<std::uint32_t> PacketSocket::own_option(int level, int option, std::span<char> out)
{
    if (level != sol_packet)
        return Error::noprotoopt;
    switch (option) {
    case PACKET_STATISTICS: {  // since the last time
        tpacket_stats s{seen_, dropped_};
        seen_ = dropped_ = 0;
        return give_option(out, s);
    }
    case PACKET_AUXDATA: return give_option(out, std::int32_t{auxiliary_});
    case PACKET_VERSION: return give_option(out, ring_version_);
    case PACKET_RESERVE: return give_option(out, ring_reserve_);
    case PACKET_HDRLEN: {  // asked with a version: how programs find out which there are
        std::int32_t version = -1;
        std::memcpy(&version, out.data(), out.size() < sizeof version ? out.size() : sizeof version);
        if (version == TPACKET_V1)
            return give_option(out, static_cast<std::int32_t>(sizeof(tpacket_hdr)));
        return version == TPACKET_V2 ? give_option(out, static_cast<std::int32_t>(sizeof(tpacket2_hdr)))
                                     : Result<std::uint32_t>{Error::inval};
    }
    default: return Error::noprotoopt;
    }
}

Result<std::int32_t> PacketSocket::ioctl(unsigned command, std::uint32_t argument)
{
    return interface_ioctl(command, argument);
}
}  // namespace kernel::net
