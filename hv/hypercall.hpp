// SPDX-License-Identifier: MIT
// Hypercall dispatch as the files that implement calls see it. Every call is `std::int32_t do_NAME(arguments...)` with
// the guest's registers as arguments, at most five 32-bit words, and what %eax gets as result.
#pragma once
#include <cstdint>
#include <hv/domain.hpp>
#include <initializer_list>

namespace hv {
// Ends the running hypercall in such a way that the guest executes it again, with these arguments (those not given stay):
// after an event was delivered, or another domain has run. In a multicall the entry and the multicall itself are set back.
// The guest may change the arguments in between: they are checked again as if they were new.
//     if (preempt_requested()) return continue_hypercall({updates, count, done, domain});
// Returns a value that the dispatcher ignores.
std::int32_t continue_hypercall(std::initializer_list<std::uint32_t> arguments);

// Writes the 4096 bytes of stubs that XEN_ELFNOTE_HYPERCALL_PAGE (or MSR 0x40000000) asks for.
void fill_hypercall_page(void *page);

std::int32_t do_set_trap_table(std::uint32_t traps);
std::int32_t do_set_gdt(std::uint32_t frames, std::uint32_t entries);
std::int32_t do_stack_switch(std::uint32_t ss, std::uint32_t esp);
std::int32_t do_set_callbacks(std::uint32_t event_cs, std::uint32_t event, std::uint32_t failsafe_cs,
                              std::uint32_t failsafe);
std::int32_t do_fpu_taskswitch(std::uint32_t set);
std::int32_t do_sched_op_compat(std::uint32_t cmd, std::uint32_t arg);
std::int32_t do_set_debugreg(std::uint32_t reg, std::uint32_t value);
std::int32_t do_get_debugreg(std::uint32_t reg);
std::int32_t do_update_descriptor(std::uint32_t address_low, std::uint32_t address_high, std::uint32_t low,
                                  std::uint32_t high);
std::int32_t do_multicall(std::uint32_t calls, std::uint32_t count);
std::int32_t do_set_timer_op(std::uint32_t timeout_low, std::uint32_t timeout_high);
std::int32_t do_event_channel_op_compat(std::uint32_t op);
std::int32_t do_xen_version(std::uint32_t cmd, std::uint32_t arg);
std::int32_t do_console_io(std::uint32_t cmd, std::uint32_t count, std::uint32_t buffer);
std::int32_t do_physdev_op_compat(std::uint32_t op);
std::int32_t do_vm_assist(std::uint32_t cmd, std::uint32_t type);
std::int32_t do_iret();
std::int32_t do_vcpu_op(std::uint32_t cmd, std::uint32_t vcpu, std::uint32_t arg);
std::int32_t do_nmi_op(std::uint32_t cmd, std::uint32_t arg);
std::int32_t do_sched_op(std::uint32_t cmd, std::uint32_t arg);
std::int32_t do_callback_op(std::uint32_t cmd, std::uint32_t arg);
std::int32_t do_event_channel_op(std::uint32_t cmd, std::uint32_t arg);
std::int32_t do_physdev_op(std::uint32_t cmd, std::uint32_t arg);
std::int32_t do_sysctl(std::uint32_t op);
std::int32_t do_domctl(std::uint32_t op);
std::int32_t do_grant_table_op(std::uint32_t cmd, std::uint32_t list, std::uint32_t count);
}  // namespace hv
