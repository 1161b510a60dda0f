// SPDX-License-Identifier: MIT
// /dev/xen/privcmd and /dev/xen/hypercall. In domain 0; elsewhere there are no such devices, which is tested too.
#include "device.hpp"
#include <fcntl.h>
#include <pv/hypercalls.h>
#include <pv/memory.h>
#include <pv/sched.h>
#include <pv/sys/privcmd.h>
#include <pv/version.h>
#include <pv/xen.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace xendev;

namespace {
constexpr std::size_t page = 4096;

int hypercall(int fd, unsigned op, std::uintptr_t a = 0, std::uintptr_t b = 0, std::uintptr_t c = 0)
{
    privcmd_hypercall q{op, {a, b, c, 0, 0}};
    return ioctl(fd, IOCTL_PRIVCMD_HYPERCALL, &q);
}

void *hypercall_memory(std::size_t pages = 1)
{
    int fd = open_device("hypercall");
    auto p = mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    close(fd);
    return p;
}
}  // namespace

// Tells whether the rest of a test is to run.
static bool here()
{
    if (is_domain_0())
        return true;
    CHECK_ERRNO(open("/dev/xen/privcmd", O_RDWR), ENOENT);
    CHECK_ERRNO(open("/dev/xen/hypercall", O_RDWR), ENOENT);
    return false;
}

TEST(privcmd, version)
{
    if (!here())
        return;
    int fd = open_device("privcmd");
    auto version = hypercall(fd, __HYPERVISOR_xen_version, XENVER_version);
    CHECK_EQ(version >> 16, 4);
    auto text = static_cast<char *>(hypercall_memory());
    CHECK_EQ(hypercall(fd, __HYPERVISOR_xen_version, XENVER_extraversion, reinterpret_cast<std::uintptr_t>(text)), 0);
    CHECK(text[0] != 0);
    CHECK_ERRNO(hypercall(fd, __HYPERVISOR_xen_version, XENVER_extraversion, 16), EFAULT);
    CHECK_ERRNO(hypercall(fd, 63), ENOSYS);
    CHECK_ERRNO(hypercall(fd, 4096), EINVAL);
}

// What would pull the rug from under the kernel.
TEST(privcmd, kernels_own_calls)
{
    if (!here())
        return;
    int fd = open_device("privcmd");
    for (unsigned op : {__HYPERVISOR_set_trap_table, __HYPERVISOR_set_gdt, __HYPERVISOR_stack_switch, __HYPERVISOR_iret,
                        __HYPERVISOR_set_callbacks, __HYPERVISOR_multicall, __HYPERVISOR_callback_op})
        CHECK_ERRNO(hypercall(fd, op), EPERM);
}

TEST(privcmd, memory_for_hypercalls)
{
    if (!here())
        return;
    auto p = static_cast<char *>(hypercall_memory(5));
    for (std::size_t i = 0; i < 5 * page; ++i)
        CHECK_EQ(p[i], 0);
    p[0] = 'm';
    int status = posix::child_status([&] { static_cast<void>(*static_cast<volatile char *>(p)); });
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);  // not inherited
    int fd = open_device("privcmd");
    // The hypervisor writes across pages that nobody touched.
    auto at = reinterpret_cast<std::uintptr_t>(p + 3 * page - 8);
    CHECK_EQ(hypercall(fd, __HYPERVISOR_xen_version, XENVER_capabilities, at), 0);
    CHECK(std::strstr(p + 3 * page - 8, "x86_32p") != nullptr);
    CHECK_EQ(p[0], 'm');
    CHECK_EQ(munmap(p, 5 * page), 0);
}

TEST(privcmd, restrict)
{
    if (!here())
        return;
    int fd = open_device("privcmd");
    domid_t first = 5, second = 6;
    CHECK_EQ(ioctl(fd, IOCTL_PRIVCMD_RESTRICT, &first), 0);
    CHECK_EQ(ioctl(fd, IOCTL_PRIVCMD_RESTRICT, &first), 0);
    CHECK_ERRNO(ioctl(fd, IOCTL_PRIVCMD_RESTRICT, &second), EINVAL);
    CHECK_ERRNO(hypercall(fd, __HYPERVISOR_xen_version, XENVER_version), EPERM);
    privcmd_mmapbatch_v2 q{1, second, 0, nullptr, nullptr};
    CHECK_ERRNO(ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &q), EPERM);
}

TEST(privcmd, foreign_frames_are_refused_or_mapped)
{
    if (!here())
        return;
    int fd = open_device("privcmd");
    auto p = mmap(nullptr, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    int status = posix::child_status([&] { static_cast<void>(*static_cast<volatile char *>(p)); });
    CHECK(WIFSIGNALED(status));
    xen_pfn_t frames[4] = {0xfffffffe, 0xfffffffe, 0xfffffffe, 0xfffffffe};
    std::int32_t errors[4] = {};
    privcmd_mmapbatch_v2 q{4, DOMID_SELF, reinterpret_cast<std::uintptr_t>(p), frames, errors};
    CHECK_EQ(ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &q), 0);
    for (auto e : errors)
        CHECK(e < 0);
    privcmd_mmapbatch old{4, DOMID_SELF, reinterpret_cast<std::uintptr_t>(p), frames};
    CHECK_EQ(ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH, &old), 0);
    CHECK_EQ(frames[3] & PRIVCMD_MMAPBATCH_MFN_ERROR, PRIVCMD_MMAPBATCH_MFN_ERROR);
    q.addr = 0x1000;
    CHECK_ERRNO(ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &q), EINVAL);
    q.addr = reinterpret_cast<std::uintptr_t>(p) + page;  // beyond the mapping's end
    CHECK_ERRNO(ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &q), EINVAL);
    CHECK_EQ(munmap(p, 4 * page), 0);
    CHECK_ERRNO(reinterpret_cast<long>(mmap(nullptr, page, PROT_READ, MAP_PRIVATE, fd, 0)), EINVAL);
    CHECK_ERRNO(ioctl(fd, IOCTL_PRIVCMD_DM_OP, nullptr), ENOSYS);
}

TEST(privcmd, roots_alone)
{
    if (!here())
        return;
    int status = posix::child_status([] {
        CHECK_EQ(setgid(1000), 0);
        CHECK_EQ(setuid(1000), 0);
        CHECK_ERRNO(open("/dev/xen/privcmd", O_RDWR), EACCES);
        CHECK_ERRNO(open("/dev/xen/hypercall", O_RDWR), EACCES);
    });
    CHECK_EQ(status, 0);
}
