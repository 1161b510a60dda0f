// SPDX-License-Identifier: MIT
// All interfaces, by name and by index.
#include <cstring>
#include <kernel/lazy.hpp>
#include <kernel/log.hpp>
#include <kernel/net/bridge.hpp>
#include <kernel/net/device.hpp>
#include <kernel/net/interface.hpp>
#include <kernel/net/notify.hpp>
#include <kernel/net/routes.hpp>
#include <kernel/net/thread.hpp>
#include <lib/format.hpp>

namespace kernel::net {
namespace {
constexpr std::uint32_t most_index = 250;  // lwIP numbers interfaces with 8 bits
constinit Lazy<NetDeviceList> all;
constinit std::uint32_t last_index = 0;

bool valid_name(char const *name)
{
    auto n = std::strlen(name);
    return n > 0 && n < NetDevice::name_bytes && std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0
        && !std::strchr(name, '/') && !std::strchr(name, ' ') && !std::strchr(name, ':');
}

Result<> choose_name(NetDevice &d)
{
    if (!std::strchr(d.name, '%')) {
        if (!valid_name(d.name))
            return Error::inval;
        return find_device(d.name) ? Result<>{Error::exist} : Result<>{};
    }
    char pattern[NetDevice::name_bytes];
    std::strcpy(pattern, d.name);
    *std::strchr(pattern, '%') = 0;
    for (unsigned i = 0; i < most_index; ++i) {
        format(d.name, sizeof d.name, "%s%u", pattern, i);
        if (!find_device(d.name))
            return {};
    }
    return Error::nfile;
}

// The next that is free: an index is used again as late as possible.
Result<std::uint32_t> choose_index()
{
    for (std::uint32_t i = 0; i < most_index; ++i) {
        last_index = last_index % most_index + 1;
        if (!find_device(last_index))
            return last_index;
    }
    return Error::nfile;
}
}  // namespace

NetDeviceList &devices() { return *all; }

NetDevice *find_device(char const *name)
{
    for (auto &d : devices())
        if (std::strcmp(d.name, name) == 0)
            return &d;
    return nullptr;
}

NetDevice *find_device(std::uint32_t index)
{
    for (auto &d : devices())
        if (d.index == index)
            return &d;
    return nullptr;
}

Result<> register_device(Ref<NetDevice> d)
{
    TRY(choose_name(*d));
    d->index = TRY(choose_index());
    TRY(attach_to_lwip(*d));
    devices().push_back(*d.get());
    notify_link(*d);
    d.release();  // the list's reference
    return {};
}

void unregister_device(NetDevice &d)
{
    d.bring_down();
    if (d.bridge)
        (void)d.bridge->remove_port(d);
    remove_routes_of(d);
    detach_from_lwip(d);
    forget_scheduled(d);
    notify_link(d, true);
    devices().erase(devices().iterator_to(d));
    d.taps.clear();
    d.unref();
}

Result<> rename_device(NetDevice &d, char const *name)
{
    if (!valid_name(name))
        return Error::inval;
    if (std::strcmp(d.name, name) == 0)
        return {};
    if (find_device(name))
        return Error::exist;
    if (d.up)
        return Error::busy;
    std::strcpy(d.name, name);
    notify_link(d);
    return {};
}
}  // namespace kernel::net
