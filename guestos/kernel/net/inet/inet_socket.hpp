// SPDX-License-Identifier: MIT
// What sockets of AF_INET and AF_INET6 have in common: the options of SOL_IP and SOL_IPV6, groups, the interface they are bound to.
#pragma once
#include <kernel/net/device.hpp>
#include <kernel/net/inet/address.hpp>
#include <kernel/net/interface_ioctl.hpp>
#include <kernel/net/lock.hpp>
#include <lwip/ip.h>

namespace kernel::net {
struct IpOptions {
    std::uint8_t tos = 0, ttl = 64, multicast_ttl = 1;
    bool multicast_loop = true;
    std::uint32_t multicast_interface = 0;
    bool v6_only = false, header_included = false, receive_errors = false, receive_errors6 = false;
    // Control messages that recvmsg(2) is to bring.
    bool packet_info = false, packet_info6 = false, with_ttl = false, with_tos = false, hop_limit = false,
         traffic_class = false;
    std::int32_t plain[2][80] = {};  // SOL_IP, SOL_IPV6: kept and given back
};

class InetSocket : public Socket {
public:
    InetSocket(int family_, int type_, int protocol_, unsigned open_flags);
    ~InetSocket() override;
    Result<> set_own_option(int level, int option, std::span<char const>) override;
    Result<std::uint32_t> own_option(int level, int option, std::span<char>) override;
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
    IpOptions const &ip_options() const { return ip_; }
    NetDevice *bound_device() const { return find_device(bound_index_); }
    std::uint32_t bound_index() const { return bound_index_; }
    std::uint32_t owner_uid() const { return owner_uid_; }

protected:
    virtual void options_changed() {}                                          // lock held: copy to lwIP what it needs
    virtual Result<std::size_t> next_input_bytes() { return std::size_t{0}; }  // FIONREAD
    virtual Result<std::size_t> unsent_bytes() { return std::size_t{0}; }      // TIOCOUTQ
    virtual bool can_leave_v6_only() const { return true; }
    Error take_or(Error e);  // SO_ERROR, if there is one
    std::uint8_t address_type() const
    {
        return family == abi_af_inet ? IPADDR_TYPE_V4 : ip_.v6_only ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY;
    }
    // May a socket be bound to that address? Error::addrnotavail: it is not ours.
    Result<> check_local(Endpoint const &) const;
    // Completes an address of an IPv6 scope with the interface the socket is bound to, or the only one. Error::inval
    Result<> complete_scope(Endpoint &) const;
    std::uint32_t bound_index_ = 0;
    IpOptions ip_;

private:
    struct Membership {
        ip_addr_t group;
        std::uint32_t index;
        Membership *next;
    };
    Result<> set_ip4_option(int option, std::span<char const>);
    Result<> set_ip6_option(int option, std::span<char const>);
    Result<> bind_to_device(std::span<char const>);
    Result<> join(ip_addr_t const &group, NetDevice *);
    Result<> leave(ip_addr_t const &group, NetDevice *);
    Result<> group_option4(int option, std::span<char const>);
    Result<> group_option6(int option, std::span<char const>);
    Result<> group_request(bool joining, std::span<char const>);
    void leave_all();
    Membership *memberships_ = nullptr;
    std::uint32_t const owner_uid_;
};

Result<std::int32_t> option_number(std::span<char const>);  // an int, or a single byte as IP options allow
template <class T>
std::uint32_t give_option(std::span<char> out, T const &value)
{
    auto n = out.size() < sizeof value ? out.size() : sizeof value;
    std::memcpy(out.data(), &value, n);
    return static_cast<std::uint32_t>(n);
}
Error error_of(err_t);
inline Error again_if_timed_out(Error e) { return e == Error::timedout ? Error::again : e; }
}  // namespace kernel::net
