// SPDX-License-Identifier: MIT
#include <algorithm>
#include <fcntl.h>
#include <lib/addr.hpp>
#include <pv/hypercalls.h>
#include <pv/memory.h>
#include <pv/sys/privcmd.h>
#include <sys/ioctl.h>
#include <userland/common/system_error.hpp>
#include <userland/xen/hypervisor.hpp>
#include <vector>

namespace xen {
Result<Mapping> map_for_calls(std::size_t bytes)
{
    bytes = std::max<std::size_t>((bytes + page_size - 1) & page_mask, page_size);
    Fd device{open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC)};
    int flags = device ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE;
    void *at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, device.get(), 0);
    if (at == MAP_FAILED)
        return last_error();
    std::memset(at, 0, bytes);  // there to be used, not only promised
    return Mapping{at, bytes};
}

Result<Hypervisor> Hypervisor::open()
{
    Fd fd{::open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC)};
    if (!fd)
        return last_error();
    auto scratch = TRY(map_for_calls(scratch_bytes));
    return Hypervisor{std::move(fd), std::move(scratch)};
}

Result<std::uint32_t> Hypervisor::call(std::uint32_t op, std::uint32_t a, std::uint32_t b, std::uint32_t c,
                                       std::uint32_t d, std::uint32_t e)
{
    privcmd_hypercall argument{op, {a, b, c, d, e}};
    int result = ioctl(fd_.get(), IOCTL_PRIVCMD_HYPERCALL, &argument);
    if (result < 0)
        return last_error();
    return static_cast<std::uint32_t>(result);
}

Result<> Hypervisor::domctl(xen_domctl &argument)
{
    argument.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    auto *there = scratch_.as<xen_domctl>();
    *there = argument;
    auto result = call(__HYPERVISOR_domctl, address(there));
    argument = *there;
    return result.ok() ? Result<>{} : result.error();
}

Result<> Hypervisor::sysctl(xen_sysctl &argument)
{
    argument.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    auto *there = scratch_.as<xen_sysctl>();
    *there = argument;
    auto result = call(__HYPERVISOR_sysctl, address(there));
    argument = *there;
    return result.ok() ? Result<>{} : result.error();
}

Result<Mapping> Hypervisor::map_foreign(domid_t domain, std::span<xen_pfn_t const> frames, int protection)
{
    auto bytes = frames.size() * page_size;
    void *at = mmap(nullptr, bytes, protection, MAP_SHARED, fd_.get(), 0);
    if (at == MAP_FAILED)
        return last_error();
    Mapping mapping{at, bytes};
    std::vector<int32_t> errors(frames.size());
    privcmd_mmapbatch_v2 argument{.num = static_cast<std::uint32_t>(frames.size()),
                                  .dom = domain,
                                  .addr = address(at),
                                  .arr = frames.data(),
                                  .err = errors.data()};
    if (ioctl(fd_.get(), IOCTL_PRIVCMD_MMAPBATCH_V2, &argument) != 0)
        return last_error();
    for (int error : errors)
        if (error != 0)
            return static_cast<Error>(-error);
    return mapping;
}

Result<Mapping> Hypervisor::map_resource(domid_t domain, std::uint32_t type, std::uint32_t id, std::uint32_t frames)
{
    auto bytes = std::size_t{frames} * page_size;
    void *at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    if (at == MAP_FAILED)
        return last_error();
    Mapping mapping{at, bytes};
    privcmd_mmap_resource argument{.dom = domain, .type = type, .id = id, .idx = 0, .num = frames, .addr = address(at)};
    if (ioctl(fd_.get(), IOCTL_PRIVCMD_MMAP_RESOURCE, &argument) != 0)
        return last_error();
    return mapping;
}
}  // namespace xen
