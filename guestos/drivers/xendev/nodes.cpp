// SPDX-License-Identifier: MIT
// The nodes in /dev/xen.
#include <arch/driver.hpp>
#include <drivers/xendev/xendev.hpp>
#include <kernel/fs/device.hpp>
#include <kernel/log.hpp>
#include <kernel/process/process.hpp>
#include <pvlib/shared.hpp>

namespace xendev {
namespace {
constexpr unsigned misc_major = 10, first_minor = 48;  // minors of Linux's dynamic range

struct Node {
    char const *name;
    bool domain_0_only;
    Result<Ref<File>> (*open)(unsigned flags);
};
constexpr Node nodes[] = {
    {"xen/xenbus", false, open_xenbus},      {"xen/xenbus_backend", true, open_xenbus_backend},
    {"xen/evtchn", false, open_evtchn},      {"xen/gntalloc", false, open_gntalloc},
    {"xen/gntdev", false, open_gntdev},      {"xen/privcmd", true, open_privcmd},
    {"xen/hypercall", true, open_hypercall},
};

Result<Ref<File>> open_node(kernel::Inode &, unsigned minor, unsigned flags)
{
    return nodes[minor - first_minor].open(flags);
}

void start()
{
    unsigned minor = first_minor;
    for (auto const &n : nodes) {
        auto number = minor++;
        if (n.domain_0_only && !pv::is_initial_domain())
            continue;
        auto made = kernel::add_device_node(n.name, false, misc_major, number, 0600, open_node);
        if (!made.ok())
            kernel::log("<3>/dev/%s cannot be made: error %d", n.name, to_errno(made));
    }
}
DRIVER(xendev, start);
}  // namespace

bool is_administrator()
{
    constexpr unsigned cap_sys_admin = 21;
    return kernel::current().credentials.has_cap(cap_sys_admin);
}
}  // namespace xendev
