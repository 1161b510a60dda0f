// SPDX-License-Identifier: MIT
// netdevice(7)'s ioctls, by what they are about. Each answers Error::notty for a command that is not its own.
#pragma once
#include <abi/interface.h>
#include <kernel/memory/user.hpp>
#include <kernel/net/device.hpp>

namespace kernel::net {
Result<> device_ioctl(unsigned command, abi_ifreq &);   // flags, MTU, hardware address, names; lock held
Result<> address_ioctl(unsigned command, abi_ifreq &);  // SIOCGIFADDR and the like, IPv4; lock held
// These copy from and to the program, and take the lock between.
Result<> bridge_ioctl(unsigned command, std::uint32_t argument);
Result<> route_ioctl(unsigned command, std::uint32_t argument);
Result<> arp_ioctl(unsigned command, std::uint32_t argument);
Result<> list_interfaces(std::uint32_t argument);  // SIOCGIFCONF
Result<> require_net_admin();
// The interface a request names; an alias ("eth0:1") is its interface. Error::nodev. Lock held.
Result<NetDevice *> device_named(char const (&name)[16]);
}  // namespace kernel::net
