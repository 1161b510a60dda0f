// SPDX-License-Identifier: MIT
// socket(2) of AF_INET and AF_INET6.
#include <kernel/net/inet/raw_socket.hpp>
#include <kernel/net/inet/tcp_socket.hpp>
#include <kernel/net/inet/udp_socket.hpp>
#include <kernel/process/process.hpp>
#include <linux/capability.h>

namespace kernel::net {
namespace {
template <int Family>
constexpr int icmp_of = Family == abi_af_inet ? IPPROTO_ICMP : IPPROTO_ICMPV6;

Result<Ref<Socket>> create_tcp(int family, unsigned flags)
{
    return Ref<Socket>{TRY(make_ref<TcpSocket>(family, flags, TRY(make_ref<TcpConnection>())))};
}

Result<Ref<Socket>> create_udp(int family, unsigned flags)
{
    auto credit = TRY(make_ref<SendCredit>());
    Guard guard;
    auto pcb = udp_new_ip_type(family == abi_af_inet ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY);
    if (!pcb)
        return Error::nobufs;
    auto s = make_ref<UdpSocket>(family, flags, credit, *pcb);
    if (!s.ok()) {
        udp_remove(pcb);
        return s.error();
    }
    return Ref<Socket>{s.take()};
}

Result<Ref<Socket>> create_raw(int family, int type, int protocol, unsigned flags)
{
    auto credit = TRY(make_ref<SendCredit>());
    Guard guard;
    auto pcb = raw_new_ip_type(family == abi_af_inet ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6, static_cast<u8_t>(protocol));
    if (!pcb)
        return Error::nobufs;
    auto s = make_ref<RawSocket>(family, type, protocol, flags, credit, *pcb);
    if (!s.ok()) {
        raw_remove(pcb);
        return s.error();
    }
    return Ref<Socket>{s.take()};
}

template <int Family>
Result<Ref<Socket>> create(int type, int protocol, unsigned flags)
{
    if (protocol < 0 || protocol > 262)  // IPPROTO_MAX is MPTCP's
        return Error::inval;
    switch (type) {
    case abi_sock_stream:
        return protocol && protocol != IPPROTO_TCP ? Result<Ref<Socket>>{Error::protonosupport}
                                                   : create_tcp(Family, flags);
    case abi_sock_dgram:
        if (protocol == icmp_of<Family>)
            return create_raw(Family, type, protocol, flags);
        return protocol && protocol != IPPROTO_UDP ? Result<Ref<Socket>>{Error::protonosupport}
                                                   : create_udp(Family, flags);
    case abi_sock_raw:
        if (!current().credentials.has_cap(CAP_NET_RAW))
            return Error::perm;
        return protocol == 0 || protocol > 255 ? Result<Ref<Socket>>{Error::protonosupport}
                                               : create_raw(Family, type, protocol, flags);
    default: return Error::socktnosupport;
    }
}

REGISTER_SOCKET_FAMILY(inet_family, abi_af_inet, create<abi_af_inet>, nullptr);
REGISTER_SOCKET_FAMILY(inet6_family, abi_af_inet6, create<abi_af_inet6>, nullptr);
}  // namespace
}  // namespace kernel::net
