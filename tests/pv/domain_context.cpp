// SPDX-License-Identifier: MIT
// A vCPU's state is set as a whole and checked as the single hypercalls check it: a context with anything in it that the guest itself could
// not set is refused, and takes nothing. One that is accepted is read back as it was set, but for what keeps the guest in ring 1.
#include "domu.hpp"
#include "mmu.hpp"

char const title[] = "vCPU contexts";

namespace {

using namespace domu;

Child c;
vcpu_guest_context got;

std::int32_t get_context(domid_t id, vcpu_guest_context *where, unsigned vcpu = 0)
{
    xen_domctl op{};
    op.u.vcpucontext.vcpu = vcpu;
    set_xen_guest_handle_64(op.u.vcpucontext.ctxt, where);
    return domctl(XEN_DOMCTL_getvcpucontext, id, op);
}

template <class F>
void refuses(int error, char const *what, F change)
{
    vcpu_guest_context bad = context(c);
    change(bad);
    check(-error, what, set_context(c, bad));
    check(-XEN_ENODATA, "it has no context yet", get_context(c.id, &got));
}

void selectors()
{
    refuses(XEN_EINVAL, "no stack segment", [](auto &v) { v.kernel_ss = 0; });
    refuses(XEN_EINVAL, "the hypervisor's data as stack", [](auto &v) { v.kernel_ss = 0xe010; });
    refuses(XEN_EINVAL, "the hypervisor's code for events",
            [](auto &v) { v.event_callback_cs = 0xe008, v.event_callback_eip = 0x1000; });
    refuses(XEN_EINVAL, "a task segment for failed returns",
            [](auto &v) { v.failsafe_callback_cs = 0xe040, v.failsafe_callback_eip = 0x1000; });
    refuses(XEN_EPERM, "the hypervisor's code for an exception", [](auto &v) {
        v.trap_ctxt[14] = {14, 0, 0xe008, 0x1000};
    });
    refuses(XEN_EPERM, "the same for a system call", [](auto &v) { v.trap_ctxt[128] = {128, 3, 0xe009, 0x1000}; });
    refuses(XEN_EPERM, "a breakpoint in the hypervisor", [](auto &v) { v.debugreg[0] = 0xfe000000; });
    refuses(XEN_EPERM, "reserved bits of dr7", [](auto &v) { v.debugreg[7] = 0x8000; });
    refuses(XEN_EPERM, "general detection", [](auto &v) { v.debugreg[7] = 0x2000; });
}

void memory()
{
    refuses(XEN_EINVAL, "no root", [](auto &v) { v.ctrlreg[3] = 0; });
    refuses(XEN_EINVAL, "a root of ours", [](auto &v) { v.ctrlreg[3] = xen_pfn_to_cr3(mmu::root()); });
    refuses(XEN_EINVAL, "a root of the hypervisor's", [](auto &v) { v.ctrlreg[3] = xen_pfn_to_cr3(0x100); });
    refuses(XEN_EINVAL, "a root beyond memory", [](auto &v) { v.ctrlreg[3] = xen_pfn_to_cr3(0xffffff); });
    refuses(XEN_EBUSY, "an L1 as root", [](auto &v) { v.ctrlreg[3] = xen_pfn_to_cr3(c.table(l1_0)); });
    refuses(XEN_EBUSY, "a writable page as root", [](auto &v) { v.ctrlreg[3] = xen_pfn_to_cr3(c.spare(0)); });
    refuses(XEN_EINVAL, "too many descriptors", [](auto &v) { v.gdt_ents = 7169; });
    refuses(XEN_EINVAL, "descriptors in our memory", [](auto &v) { v.gdt_ents = 512, v.gdt_frames[0] = mfn_of(&c); });
    refuses(XEN_EBUSY, "descriptors in a writable page", [](auto &v) { v.gdt_ents = 512, v.gdt_frames[0] = c.spare(0); });
    refuses(XEN_EBUSY, "descriptors in a page table", [](auto &v) { v.gdt_ents = 512, v.gdt_frames[0] = c.table(l2_0); });
    refuses(XEN_EINVAL, "a crooked LDT", [](auto &v) { v.ldt_ents = 1, v.ldt_base = 0xc0000010; });
    refuses(XEN_EINVAL, "an LDT in the hypervisor", [](auto &v) { v.ldt_ents = 8192, v.ldt_base = 0xf5800000; });
}

void calls()
{
    vcpu_guest_context v = context(c);
    check(-XEN_EINVAL, "a vCPU that is not there", set_context(c, v, 1));
    check(-XEN_EINVAL, "one that cannot be", set_context(c, v, ~0u));
    check(-XEN_ESRCH, "asks one that is not there", get_context(c.id, &got, 1));
    xen_domctl op{};
    op.u.vcpucontext.ctxt.q = 0xfe000000;
    check(-XEN_EFAULT, "a context in the hypervisor", domctl(XEN_DOMCTL_setvcpucontext, c.id, op));
    op.u.vcpucontext.ctxt.q = 1ull << 32 | word(&v);
    check(-XEN_EFAULT, "a context above 4 GiB", domctl(XEN_DOMCTL_setvcpucontext, c.id, op));
}

void in_ring_1()
{
    std::uint32_t cs;
    asm volatile("mov %%cs, %0" : "=r"(cs));
    check(FLAT_RING1_CS, "the code segment", cs);
    std::uint32_t flags;
    asm volatile("pushf\n\tpop %0" : "=r"(flags));
    check(0, "no I/O privilege", flags >> 12 & 3);
    check_fault(13, "ports are not its own", faults([] { asm volatile("out %%al, $0x80" ::: "memory"); }));
    mailbox.word[0] = 1;
    success();
}

void round_trip()
{
    vcpu_guest_context v = context(c);
    v.user_regs.cs = FLAT_KERNEL_CS & ~3;
    v.user_regs.ss = FLAT_KERNEL_DS & ~3;
    v.user_regs.eflags = 0x200 | 3u << 12 | 1u << 14 | 1u << 17;
    v.user_regs.ebx = 0x1234567;
    check(0, "accepted", set_context(c, v));
    check(0, "getvcpucontext", get_context(c.id, &got));
    check(FLAT_KERNEL_CS, "ring 1 for ring 0", got.user_regs.cs);
    check(FLAT_KERNEL_DS, "the same for the stack", got.user_regs.ss);
    check(0x3202, "flags: only IF, and what the guest thinks of IOPL", got.user_regs.eflags);
    check(0x1234567, "a register", got.user_regs.ebx);
    check(v.ctrlreg[3], "the root", got.ctrlreg[3]);
    check(VGCF_in_kernel | VGCF_online | VGCF_i387_valid, "flags", got.flags);
    check(v.kernel_sp, "the kernel's stack", got.kernel_sp);
    v.ctrlreg[3] = xen_pfn_to_cr3(c.table(l2_0));
    check(-XEN_EOPNOTSUPP, "another root", set_context(c, v));
    v = got;
    v.gdt_ents = 1;
    check(-XEN_EOPNOTSUPP, "other descriptors", set_context(c, v));
    v = got;
    v.trap_ctxt[14] = {14, 0, 0xe008, 0x1000};
    check(-XEN_EPERM, "a bad handler", set_context(c, v));
    got.user_regs.eflags = 0x200;
    check(0, "what was read can be set", set_context(c, got));
    start(c);
    wait_end(c);
    check(1, "it ran", c.box->word[0]);
    collect(c);
}

void reset()
{
    xen_domctl op{};
    check(0, "no context puts it back", domctl(XEN_DOMCTL_setvcpucontext, c.id, op));
    check(-XEN_ENODATA, "it has none", get_context(c.id, &got));
    check(0, "it can be given one again", set_context(c, context(c)));
}

}  // namespace

void test_main()
{
    give_memory_back();
    std::uint64_t before = free_pages();
    create(c);
    load(c, in_ring_1);
    pin(c);
    selectors();
    memory();
    calls();
    round_trip();
    reset();
    destroy(c);
    check(static_cast<std::int64_t>(before), "all frames are back", static_cast<std::int64_t>(free_pages()));
    success();
}
