// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <lib/addr.hpp>
#include <pv/sys/gntdev.h>
#include <sys/ioctl.h>
#include <userland/common/system_error.hpp>
#include <userland/xen/grants.hpp>

namespace xen {
Result<GrantedPage> map_granted(domid_t granter, grant_ref_t ref)
{
    Fd device{open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC)};
    if (!device)
        return last_error();
    ioctl_gntdev_map_grant_ref argument{};
    argument.count = 1;
    argument.refs[0] = {granter, ref};
    if (ioctl(device.get(), IOCTL_GNTDEV_MAP_GRANT_REF, &argument) != 0)
        return last_error();
    void *at = mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, device.get(),
                    static_cast<off_t>(argument.index));
    if (at == MAP_FAILED)
        return last_error();
    return GrantedPage{std::move(device), Mapping{at, page_size}};
}
}  // namespace xen
