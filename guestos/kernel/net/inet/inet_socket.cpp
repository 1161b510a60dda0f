// SPDX-License-Identifier: MIT
#include <asm/ioctls.h>
#include <asm/socket.h>
#include <cstring>
#include <kernel/net/inet/inet_socket.hpp>
#include <kernel/net/interface.hpp>
#include <kernel/process/process.hpp>
#include <linux/sockios.h>

namespace kernel::net {
InetSocket::InetSocket(int family_, int type_, int protocol_, unsigned open_flags)
    : Socket{family_, type_, protocol_, open_flags}, owner_uid_{current().credentials.euid}
{
}

InetSocket::~InetSocket() { leave_all(); }

Error error_of(err_t e)
{
    switch (e) {
    case ERR_OK: return Error::none;
    case ERR_MEM:
    case ERR_BUF: return Error::nobufs;
    case ERR_TIMEOUT: return Error::timedout;
    case ERR_RTE: return Error::netunreach;
    case ERR_INPROGRESS: return Error::inprogress;
    case ERR_VAL:
    case ERR_ARG: return Error::inval;
    case ERR_WOULDBLOCK: return Error::again;
    case ERR_USE: return Error::addrinuse;
    case ERR_ALREADY: return Error::already;
    case ERR_ISCONN: return Error::isconn;
    case ERR_CONN: return Error::notconn;
    case ERR_RST:
    case ERR_ABRT: return Error::connreset;
    case ERR_CLSD: return Error::notconn;
    default: return Error::io;
    }
}

Error InetSocket::take_or(Error e)
{
    auto own = take_error();
    return own == Error::none ? e : own;
}

Result<> InetSocket::check_local(Endpoint const &e) const
{
    if (ip_addr_isany_val(e.ip) || ip_addr_ismulticast(&e.ip))
        return {};
    if (e.is_v6())
        return owner_of(*ip_2_ip6(&e.ip)) ? Result<>{} : Result<>{Error::addrnotavail};
    auto const &a = *ip_2_ip4(&e.ip);
    if (owner_of(a) || a.addr == IPADDR_BROADCAST)
        return {};
    for (auto &d : devices())
        if (auto own = address_of(d); own.is_set() && own.broadcast.addr == a.addr)
            return {};
    return Error::addrnotavail;
}

Result<> InetSocket::complete_scope(Endpoint &e) const
{
    if (!e.is_v6() || !ip6_addr_lacks_zone(ip_2_ip6(&e.ip), IP6_UNKNOWN))
        return {};
    auto d = bound_device();
    if (!d && ip_addr_ismulticast(&e.ip))
        d = find_device(ip_.multicast_interface);
    if (!d)
        for (auto &other : devices())
            if (!other.is_loopback() && other.up && !other.bridge)
                d = d ? nullptr : &other;
    if (!d)
        return Error::inval;
    ip6_addr_assign_zone(ip_2_ip6(&e.ip), IP6_UNKNOWN, &d->netif);
    return {};
}

Result<std::int32_t> InetSocket::ioctl(unsigned command, std::uint32_t argument)
{
    UserPtr<std::int32_t> number{argument};
    switch (command) {
    case FIONREAD: TRY(number.write(static_cast<std::int32_t>(TRY(next_input_bytes())))); return 0;
    case TIOCOUTQ: TRY(number.write(static_cast<std::int32_t>(TRY(unsent_bytes())))); return 0;
    default: return interface_ioctl(command, argument);
    }
}
}  // namespace kernel::net
