// SPDX-License-Identifier: MIT
// One inline function for each hypercall: the only place that knows the registers. Arguments and results are those of
// include/pv; a negative result becomes an Error.
#pragma once
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <lib/x86/pte.hpp>
#include <pv/event_channel.h>
#include <pv/grant_table.h>
#include <pv/memory.h>
#include <pv/sched.h>
#include <pv/vcpu.h>
#include <pv/version.h>
#include <pv/xen.h>

namespace pv {
using Word = std::uint32_t;

inline Word word(void const *p) { return vaddr_of(p).raw(); }
inline Word low(std::uint64_t v) { return static_cast<Word>(v); }
inline Word high(std::uint64_t v) { return static_cast<Word>(v >> 32); }

// The stub of call n lies at hypercall_page + 32 n; its arguments come back clobbered.
template <unsigned number>
std::int32_t call(Word a = 0, Word b = 0)
{
    std::int32_t result;
    asm volatile("call hypercall_page + %c[stub]"
                 : "=a"(result), "+b"(a), "+c"(b)
                 : [stub] "i"(number * PV_HYPERCALL_STUB_BYTES)
                 : "memory");
    return result;
}
template <unsigned number>
std::int32_t call(Word a, Word b, Word c, Word d)
{
    std::int32_t result;
    asm volatile("call hypercall_page + %c[stub]"
                 : "=a"(result), "+b"(a), "+c"(b), "+d"(c), "+S"(d)
                 : [stub] "i"(number * PV_HYPERCALL_STUB_BYTES)
                 : "memory");
    return result;
}

// For calls whose positive results mean nothing.
inline Result<> checked(std::int32_t result)
{
    if (result < 0)
        return static_cast<Error>(-result);
    return {};
}

// --- processor ---
inline Result<> set_trap_table(trap_info const *table)
{
    return checked(call<__HYPERVISOR_set_trap_table>(word(table)));
}
inline Result<> set_gdt(xen_pfn_t const *frames, unsigned entries)
{
    return checked(call<__HYPERVISOR_set_gdt>(word(frames), entries));
}
inline Result<> update_descriptor(Maddr entry, std::uint64_t descriptor)
{
    return checked(
        call<__HYPERVISOR_update_descriptor>(low(entry.raw()), high(entry.raw()), low(descriptor), high(descriptor)));
}
inline Result<> stack_switch(Word ss, Vaddr esp) { return checked(call<__HYPERVISOR_stack_switch>(ss, esp.raw())); }
inline Result<> set_callbacks(Word event_cs, Word event, Word failsafe_cs, Word failsafe)
{
    return checked(call<__HYPERVISOR_set_callbacks>(event_cs, event, failsafe_cs, failsafe));
}
inline void fpu_taskswitch(bool next_use_traps) { call<__HYPERVISOR_fpu_taskswitch>(next_use_traps); }

// --- memory ---
inline Result<> mmu_update(::mmu_update const *updates, unsigned n)
{
    return checked(call<__HYPERVISOR_mmu_update>(word(updates), n, 0, DOMID_SELF));
}
// Entries of our page tables that name frames of `owner`'s. done: how many were stored.
inline Result<> mmu_update(::mmu_update const *updates, unsigned n, unsigned &done, domid_t owner)
{
    return checked(call<__HYPERVISOR_mmu_update>(word(updates), n, word(&done), owner));
}
inline Result<> mmuext_op(::mmuext_op const *operations, unsigned n)
{
    return checked(call<__HYPERVISOR_mmuext_op>(word(operations), n, 0, DOMID_SELF));
}
inline Result<> update_va_mapping(Vaddr v, Pte value, Word flush)
{
    return checked(call<__HYPERVISOR_update_va_mapping>(v.raw(), low(value.raw()), high(value.raw()), flush));
}
inline std::int32_t memory_op(Word command, void *argument)
{
    return call<__HYPERVISOR_memory_op>(command, word(argument));
}
inline Result<> multicall(multicall_entry *calls, unsigned n)
{
    return checked(call<__HYPERVISOR_multicall>(word(calls), n));
}
inline Result<> vm_assist(Word command, Word type) { return checked(call<__HYPERVISOR_vm_assist>(command, type)); }

// Count elements of the structure that GNTTABOP_* takes; each has a status of its own.
inline Result<> grant_table_op(Word command, void *elements, unsigned count)
{
    return checked(call<__HYPERVISOR_grant_table_op>(command, word(elements), count, 0));
}

// --- time, events, scheduling ---
inline Result<> set_timer_op(std::uint64_t system_time)
{
    return checked(call<__HYPERVISOR_set_timer_op>(low(system_time), high(system_time)));
}
inline Result<> event_channel_op(Word command, void *argument)
{
    return checked(call<__HYPERVISOR_event_channel_op>(command, word(argument)));
}
inline Result<> sched_op(Word command, void *argument = nullptr)
{
    return checked(call<__HYPERVISOR_sched_op>(command, word(argument)));
}
inline Result<> vcpu_op(Word command, unsigned vcpu, void *argument = nullptr)
{
    return checked(call<__HYPERVISOR_vcpu_op>(command, vcpu, word(argument), 0));
}

// --- the rest ---
inline std::int32_t xen_version(Word command, void *argument = nullptr)
{
    return call<__HYPERVISOR_xen_version>(command, word(argument));
}
// Bytes read, for CONSOLEIO_read.
inline std::int32_t console_io(Word command, std::size_t bytes, void const *buffer)
{
    return call<__HYPERVISOR_console_io>(command, static_cast<Word>(bytes), word(buffer), 0);
}
}  // namespace pv
