// SPDX-License-Identifier: MIT
// The hypercalls, once as constants and once as a list to be expanded.
//
// Calling convention, 32-bit: number in %eax, arguments in %ebx %ecx %edx %esi %edi, result in
// %eax, by `call hypercall_page + 32 * number` (or `int $0x82`, which is what the stubs hold).
// Arguments in registers may come back clobbered. A result in [-4095, -1] is an error, negated
// (errno.h).
#ifndef PV_HYPERCALLS_H
#define PV_HYPERCALLS_H

#define __HYPERVISOR_set_trap_table                0
#define __HYPERVISOR_mmu_update                    1
#define __HYPERVISOR_set_gdt                       2
#define __HYPERVISOR_stack_switch                  3
#define __HYPERVISOR_set_callbacks                 4
#define __HYPERVISOR_fpu_taskswitch                5
#define __HYPERVISOR_sched_op_compat               6
#define __HYPERVISOR_platform_op                   7
#define __HYPERVISOR_set_debugreg                  8
#define __HYPERVISOR_get_debugreg                  9
#define __HYPERVISOR_update_descriptor             10
#define __HYPERVISOR_memory_op                     12
#define __HYPERVISOR_multicall                     13
#define __HYPERVISOR_update_va_mapping             14
#define __HYPERVISOR_set_timer_op                  15
#define __HYPERVISOR_event_channel_op_compat       16
#define __HYPERVISOR_xen_version                   17
#define __HYPERVISOR_console_io                    18
#define __HYPERVISOR_physdev_op_compat             19
#define __HYPERVISOR_grant_table_op                20
#define __HYPERVISOR_vm_assist                     21
#define __HYPERVISOR_update_va_mapping_otherdomain 22
#define __HYPERVISOR_iret                          23
#define __HYPERVISOR_vcpu_op                       24
#define __HYPERVISOR_set_segment_base              25
#define __HYPERVISOR_mmuext_op                     26
#define __HYPERVISOR_xsm_op                        27
#define __HYPERVISOR_nmi_op                        28
#define __HYPERVISOR_sched_op                      29
#define __HYPERVISOR_callback_op                   30
#define __HYPERVISOR_xenoprof_op                   31
#define __HYPERVISOR_event_channel_op              32
#define __HYPERVISOR_physdev_op                    33
#define __HYPERVISOR_hvm_op                        34
#define __HYPERVISOR_sysctl                        35
#define __HYPERVISOR_domctl                        36
#define __HYPERVISOR_kexec_op                      37
#define __HYPERVISOR_tmem_op                       38
#define __HYPERVISOR_argo_op                       39
#define __HYPERVISOR_xenpmu_op                     40
#define __HYPERVISOR_dm_op                         41
#define __HYPERVISOR_hypfs_op                      42
#define __HYPERVISOR_arch_0                        48
#define __HYPERVISOR_arch_1                        49
#define __HYPERVISOR_arch_2                        50
#define __HYPERVISOR_arch_3                        51
#define __HYPERVISOR_arch_4                        52
#define __HYPERVISOR_arch_5                        53
#define __HYPERVISOR_arch_6                        54
#define __HYPERVISOR_arch_7                        55

// The hypercall page holds one stub of 32 bytes per number, so there is room for 128.
#define PV_HYPERCALL_STUB_BYTES 32
#define PV_NR_HYPERCALLS        64

// CALL(name, number, arguments) for each call of a 32-bit guest. A 64-bit argument takes two
// registers, low half first, and counts as two.
#define PV_HYPERCALL_LIST(CALL)                \
    CALL(set_trap_table, 0, 1)                 \
    CALL(mmu_update, 1, 4)                     \
    CALL(set_gdt, 2, 2)                        \
    CALL(stack_switch, 3, 2)                   \
    CALL(set_callbacks, 4, 4)                  \
    CALL(fpu_taskswitch, 5, 1)                 \
    CALL(sched_op_compat, 6, 2)                \
    CALL(platform_op, 7, 1)                    \
    CALL(set_debugreg, 8, 2)                   \
    CALL(get_debugreg, 9, 1)                   \
    CALL(update_descriptor, 10, 4)             \
    CALL(memory_op, 12, 2)                     \
    CALL(multicall, 13, 2)                     \
    CALL(update_va_mapping, 14, 4)             \
    CALL(set_timer_op, 15, 2)                  \
    CALL(event_channel_op_compat, 16, 1)       \
    CALL(xen_version, 17, 2)                   \
    CALL(console_io, 18, 3)                    \
    CALL(physdev_op_compat, 19, 1)             \
    CALL(grant_table_op, 20, 3)                \
    CALL(vm_assist, 21, 2)                     \
    CALL(update_va_mapping_otherdomain, 22, 5) \
    CALL(iret, 23, 0)                          \
    CALL(vcpu_op, 24, 3)                       \
    CALL(set_segment_base, 25, 2)              \
    CALL(mmuext_op, 26, 4)                     \
    CALL(xsm_op, 27, 1)                        \
    CALL(nmi_op, 28, 2)                        \
    CALL(sched_op, 29, 2)                      \
    CALL(callback_op, 30, 2)                   \
    CALL(xenoprof_op, 31, 2)                   \
    CALL(event_channel_op, 32, 2)              \
    CALL(physdev_op, 33, 2)                    \
    CALL(hvm_op, 34, 2)                        \
    CALL(sysctl, 35, 1)                        \
    CALL(domctl, 36, 1)                        \
    CALL(kexec_op, 37, 2)                      \
    CALL(tmem_op, 38, 1)                       \
    CALL(argo_op, 39, 5)                       \
    CALL(xenpmu_op, 40, 2)                     \
    CALL(dm_op, 41, 3)                         \
    CALL(hypfs_op, 42, 5)                      \
    CALL(arch_0, 48, 1)

#endif  // PV_HYPERCALLS_H
