// SPDX-License-Identifier: MIT
#include <cstring>
#include <kernel/net/interface.hpp>
#include <kernel/net/ioctl/ioctl.hpp>
#include <kernel/net/lock.hpp>
#include <kernel/net/netlink/messages.hpp>
#include <linux/sockios.h>
#include <memory>

namespace kernel::net {
namespace {
Result<> set_flags(NetDevice &d, unsigned flags)
{
    d.set_promiscuous_by_hand((flags & abi_iff_promisc) != 0);
    if (flags & abi_iff_up)
        return d.bring_up();
    d.bring_down();
    return {};
}

Result<> change(NetDevice &d, unsigned command, abi_ifreq &r)
{
    TRY(require_net_admin());
    switch (command) {
    case SIOCSIFFLAGS: return set_flags(d, static_cast<std::uint16_t>(r.u.flags));
    case SIOCSIFMTU: return d.change_mtu(static_cast<std::uint32_t>(r.u.number));
    case SIOCSIFTXQLEN:
        if (r.u.number < 0)
            return Error::inval;
        d.queue_limit = static_cast<std::uint32_t>(r.u.number);
        return {};
    case SIOCSIFNAME: r.u.new_name[15] = 0; return rename_device(d, r.u.new_name);
    case SIOCSIFHWADDR: {
        MacAddress m;
        if (r.u.address.family != abi_arphrd_ether || d.is_loopback())
            return Error::inval;
        std::memcpy(m.bytes, r.u.address.data, sizeof m.bytes);
        return d.change_mac(m);
    }
    case SIOCSIFMETRIC:
    case SIOCADDMULTI:
    case SIOCDELMULTI: return {};
    default: return Error::notty;
    }
}
}  // namespace

Result<> device_ioctl(unsigned command, abi_ifreq &r)
{
    if (command == SIOCGIFNAME) {
        auto d = find_device(static_cast<std::uint32_t>(r.u.number));
        if (!d)
            return Error::nodev;
        std::memcpy(r.name, d->name, sizeof r.name);
        return {};
    }
    auto &d = *TRY(device_named(r.name));
    switch (command) {
    case SIOCGIFFLAGS: r.u.flags = static_cast<std::int16_t>(interface_flags(d)); return {};
    case SIOCGIFINDEX: r.u.number = static_cast<std::int32_t>(d.index); return {};
    case SIOCGIFMTU: r.u.number = d.mtu; return {};
    case SIOCGIFMETRIC: r.u.number = 0; return {};
    case SIOCGIFTXQLEN: r.u.number = static_cast<std::int32_t>(d.queue_limit); return {};
    case SIOCGIFMAP: r.u.map = {}; return {};
    case SIOCETHTOOL: return Error::opnotsupp;  // as a device without such questions
    case SIOCGIFHWADDR:
        r.u.address = {};
        r.u.address.family = d.is_loopback() ? abi_arphrd_loopback : abi_arphrd_ether;
        std::memcpy(r.u.address.data, d.mac.bytes, sizeof d.mac.bytes);
        return {};
    default: return change(d, command, r);
    }
}

// As many as fit; without a buffer, how much they all need. Interfaces that have an IPv4 address.
Result<> list_interfaces(std::uint32_t argument)
{
    UserPtr<abi_ifconf> user{argument};
    auto c = TRY(user.read());
    constexpr unsigned most = 256;
    std::unique_ptr<abi_ifreq[]> list{new (std::nothrow) abi_ifreq[most]};
    if (!list)
        return Error::nomem;
    unsigned n = 0;
    {
        Guard guard;
        for (auto &d : devices()) {
            auto a = address_of(d);
            if (!a.is_set() || n == most)
                continue;
            auto &r = list[n++];
            r = {};
            std::memcpy(r.name, d.name, sizeof r.name);
            r.u.address.family = 2;
            std::memcpy(r.u.address.data + 2, &a.local, sizeof a.local);
        }
    }
    auto bytes = static_cast<std::int32_t>(n * sizeof(abi_ifreq));
    if (c.buffer) {
        auto room = c.bytes < 0 ? 0 : c.bytes - c.bytes % static_cast<std::int32_t>(sizeof(abi_ifreq));
        bytes = bytes < room ? bytes : room;
        TRY(copy_out(Vaddr{c.buffer}, list.get(), static_cast<std::size_t>(bytes)));
    }
    c.bytes = bytes;
    return user.write(c);
}
}  // namespace kernel::net
