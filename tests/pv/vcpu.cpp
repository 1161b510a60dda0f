// SPDX-License-Identifier: MIT
// vcpu_op: vcpu_info moves once, to a page the guest may write, and events follow it; vCPUs that are not there are not
// there; debug registers take no breakpoint inside the hypervisor.
#include "guest.hpp"

char const title[] = "virtual processors";

namespace {

alignas(4096) std::uint8_t page[4096];

std::int32_t vcpu_op(unsigned cmd, unsigned vcpu, void *argument)
{
    return hypercall(__HYPERVISOR_vcpu_op, cmd, vcpu, argument);
}

void state()
{
    check(1, "is_up", vcpu_op(VCPUOP_is_up, 0, nullptr));
    check(-2, "is_up of one that is not there", vcpu_op(VCPUOP_is_up, 1, nullptr));
    check(-2, "is_up of 2^32-1", vcpu_op(VCPUOP_is_up, ~0u, nullptr));
    check(-17, "initialise the running one", vcpu_op(VCPUOP_initialise, 0, page));
    check(0, "up", vcpu_op(VCPUOP_up, 0, nullptr));
    check(-38, "send_nmi", vcpu_op(VCPUOP_send_nmi, 0, nullptr));
    vcpu_get_physid id{};
    check(0, "get_physid", vcpu_op(VCPUOP_get_physid, 0, &id));
    for (unsigned cmd : {4u, 5u, 6u, 8u, 10u, 12u})
        check(-14, "an argument in the hypervisor", hypercall(__HYPERVISOR_vcpu_op, cmd, 0, 0xfe000000));
}

void move_info()
{
    vcpu_register_vcpu_info op{mfn_of(page), 4096 - 60, 0};
    check(-22, "across the end of a page", vcpu_op(VCPUOP_register_vcpu_info, 0, &op));
    op.offset = 2;
    check(-22, "not aligned", vcpu_op(VCPUOP_register_vcpu_info, 0, &op));
    op = {0x100, 0, 0};
    check(-22, "a frame of the hypervisor", vcpu_op(VCPUOP_register_vcpu_info, 0, &op));
    op = {~0ull, 0, 0};
    check(-22, "a frame that is not there", vcpu_op(VCPUOP_register_vcpu_info, 0, &op));
    op = {mfn_of(reinterpret_cast<void *>(info->pt_base)), 0, 0};
    check_true(vcpu_op(VCPUOP_register_vcpu_info, 0, &op) < 0, "a page table");
    op = {mfn_of(page), 128, 0};
    check(0, "register_vcpu_info", vcpu_op(VCPUOP_register_vcpu_info, 0, &op));
    auto moved = reinterpret_cast<vcpu_info *>(page + 128);
    check(1, "the mask moved", moved->evtchn_upcall_mask);
    check(1, "all counts as pending", moved->evtchn_upcall_pending);
    check(-22, "move it again", vcpu_op(VCPUOP_register_vcpu_info, 0, &op));
    moved->evtchn_upcall_pending = 0;
    moved->evtchn_pending_sel = 0;
    evtchn_bind_ipi ipi{0, 0};
    check(0, "bind_ipi", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &ipi));
    evtchn_send send{ipi.port};
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
    check(1, "events arrive at the new place", moved->evtchn_upcall_pending);
    check_true(hypercall(__HYPERVISOR_update_va_mapping, page, 0, 0, UVMF_INVLPG) == 0, "the guest unmaps the page");
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);  // the hypervisor still has it
    remap(page, pte_of(page, 3));
    check(1, "and maps it again", moved->evtchn_upcall_pending);
}

std::int32_t set_debugreg(unsigned reg, std::uint32_t value)
{
    return hypercall(__HYPERVISOR_set_debugreg, reg, value);
}

void debug_registers()
{
    static std::uint32_t volatile watched;
    check(0, "dr0", set_debugreg(0, word(const_cast<std::uint32_t *>(&watched))));
    check(0, "dr7: watch writes of 4 bytes", set_debugreg(7, 0xd0001));
    check(word(const_cast<std::uint32_t *>(&watched)), "get_debugreg",
          static_cast<std::uint32_t>(hypercall(__HYPERVISOR_get_debugreg, 0)));
    check_fault(1, "the write", faults([] { watched = 1; }));
    check_true(hypercall(__HYPERVISOR_get_debugreg, 6) & 1, "dr6 says which");
    // The hypervisor writes there for us: its own trap is nobody's business.
    check(0, "an answer over the watched word",
          hypercall(__HYPERVISOR_xen_version, XENVER_platform_parameters, &watched));
    // A breakpoint hit while loading %ss is held back for one instruction; if that enters ring 0, it strikes there.
    static std::uint32_t stack_selector = FLAT_KERNEL_SS;
    set_debugreg(0, word(&stack_selector));
    set_debugreg(7, 0xf0001);
    std::int32_t version = 0;
    Fault f = faults([&version] {
        asm volatile("mov %1, %%ss\n\tint $0x82"
                     : "=a"(version)
                     : "m"(stack_selector), "0"(__HYPERVISOR_xen_version), "b"(XENVER_version)
                     : "memory");
    });
    check_true(f.vector == 1 || version == (4 << 16 | 17), "a breakpoint that strikes in the hypervisor");
    check(0, "dr7 off", set_debugreg(7, 0));
    check(-1, "a breakpoint in the hypervisor", set_debugreg(1, 0xfe000000));
    check(-1, "a breakpoint at the machine-to-physical table", set_debugreg(1, 0xf5800000));
    check(-1, "reserved bits of dr7", set_debugreg(7, 0x800));
    check(-1, "general detect", set_debugreg(7, 0x2000));
    check(-1, "an I/O breakpoint", set_debugreg(7, 0x20001));
    check(-22, "dr4", set_debugreg(4, 0));
    check(-22, "dr8", set_debugreg(8, 0));
    check(-22, "dr 2^31", set_debugreg(0x80000000, 0));
    check(-22, "get dr5", hypercall(__HYPERVISOR_get_debugreg, 5));
}

}  // namespace

void test_main()
{
    state();
    debug_registers();
    event_mask() = 1;
    move_info();
    success();
}
