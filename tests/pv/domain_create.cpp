// SPDX-License-Identifier: MIT
// A domain is made, runs, reports and is destroyed, and afterwards the machine has as many free frames as before, sixty-four times over.
// Sixty-four at once live side by side. What createdomain cannot give is refused.
#include "domu.hpp"
#include <cstring>

char const title[] = "create and destroy domains";

namespace {

using namespace domu;

int in_the_image = 1;

void say_hello()
{
    check(2, "a variable as domain 0 left it", in_the_image);
    check_true(!(info->flags & (SIF_INITDOMAIN | SIF_PRIVILEGED)), "not privileged");
    check(-1, "domctl", hypercall(__HYPERVISOR_domctl, &mailbox));
    check(-1, "sysctl", hypercall(__HYPERVISOR_sysctl, &mailbox));
    mailbox.word[0] = 0x600d;
    success();
}

void one()
{
    in_the_image = 2;
    Child c;
    build(c, say_hello);
    in_the_image = 3;
    auto i = info_of(c.id);
    check_true(i.flags & XEN_DOMINF_paused, "a new domain is paused");
    check(c.pages, "its pages", static_cast<std::int64_t>(i.tot_pages));
    check(1, "its vCPUs", i.nr_online_vcpus);
    sleep_ms(5);
    check(0, "it does not run yet", c.box->word[0]);
    start(c);
    wait_end(c);
    check(0x600d, "it ran", c.box->word[0]);
    check(SHUTDOWN_poweroff, "the reason of its end", shutdown_reason(c.id));
    check_true(info_of(c.id).cpu_time > 0, "it used time");
    collect(c);
    destroy(c);
}

void again_and_again()
{
    in_the_image = 2;
    run(say_hello);
    std::uint64_t before = free_pages();
    for (unsigned i = 0; i < 64; ++i)
        run(say_hello);
    check(static_cast<std::int64_t>(before), "free frames afterwards", static_cast<std::int64_t>(free_pages()));
}

DOM0_ONLY Child many[64];

void side_by_side()
{
    std::uint64_t before = free_pages();
    for (Child &c : many)
        build_and_start(c, say_hello);
    for (Child &c : many) {
        wait_end(c);
        check(0x600d, "it ran", c.box->word[0]);
        collect(c);
    }
    for (Child &c : many)
        destroy(c);
    check(static_cast<std::int64_t>(before), "free frames afterwards", static_cast<std::int64_t>(free_pages()));
}

std::int32_t try_create(xen_domctl_createdomain const &c, domid_t id = 0)
{
    xen_domctl op{};
    op.u.createdomain = c;
    std::int32_t r = domctl(XEN_DOMCTL_createdomain, id, op);
    if (r == 0)
        check(0, "destroys it again", domctl(XEN_DOMCTL_destroydomain, op.domain));
    return r;
}

template <class F>
void refuses(int error, char const *what, F change)
{
    auto c = ordinary();
    change(c);
    check(-error, what, try_create(c));
}

void refusals()
{
    check(0, "an id of our choice", try_create(ordinary(), 77));
    check(-XEN_EEXIST, "an id that is in use", (try_create(ordinary(), 0), [] {
        xen_domctl op{};
        op.u.createdomain = ordinary();
        check(0, "the first", domctl(XEN_DOMCTL_createdomain, 78, op));
        std::int32_t r = try_create(ordinary(), 78);
        check(0, "away with it", domctl(XEN_DOMCTL_destroydomain, 78));
        return r;
    }()));
    refuses(XEN_EINVAL, "no vCPU", [](auto &c) { c.max_vcpus = 0; });
    refuses(XEN_EINVAL, "more vCPUs than there can be", [](auto &c) { c.max_vcpus = 33; });
    refuses(XEN_EINVAL, "a hardware-assisted domain", [](auto &c) { c.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap; });
    refuses(XEN_EINVAL, "an IOMMU", [](auto &c) { c.flags = XEN_DOMCTL_CDF_iommu; });
    refuses(XEN_EINVAL, "an unknown flag", [](auto &c) { c.flags = 1u << 31; });
    refuses(XEN_EINVAL, "grant tables version 2", [](auto &c) { c.grant_opts = 2; });
    refuses(XEN_EINVAL, "an emulated timer", [](auto &c) { c.arch.emulation_flags = XEN_X86_EMU_PIT; });
    refuses(XEN_ENOENT, "a pool that is not there", [](auto &c) { c.cpupool_id = 1; });
    xen_domctl op{};
    op.cmd = XEN_DOMCTL_getdomaininfo;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION - 1;
    check(-XEN_EACCES, "another version", hypercall(__HYPERVISOR_domctl, &op));
    check(-XEN_EFAULT, "a pointer into the hypervisor", hypercall(__HYPERVISOR_domctl, 0xfe000000));
    check(-XEN_ENOSYS, "an unknown command", domctl(200, 0));
    for (domid_t nobody : {domid_t{99}, domid_t{DOMID_SELF}, domid_t{DOMID_IO}, domid_t{DOMID_XEN}, domid_t{0xffff}})
        check(-XEN_ESRCH, "a domain that is none", domctl(XEN_DOMCTL_pausedomain, nobody));
    for (std::uint32_t cmd : {XEN_DOMCTL_destroydomain, XEN_DOMCTL_pausedomain, XEN_DOMCTL_unpausedomain,
                              XEN_DOMCTL_setvcpucontext, XEN_DOMCTL_getvcpucontext, XEN_DOMCTL_max_vcpus})
        check(-XEN_EINVAL, "domain 0 on itself", domctl(cmd, 0));
}

}  // namespace

void test_main()
{
    give_memory_back();
    one();
    refusals();
    again_and_again();
    side_by_side();
    success();
}
