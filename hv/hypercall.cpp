// SPDX-License-Identifier: MIT
// From a number in %eax to a function: dispatch, restart, multicall, and the page of stubs.
#include <array>
#include <cstring>
#include <hv/cpu.hpp>
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/memory.hpp>
#include <hv/percpu.hpp>
#include <lib/error.hpp>
#include <pv/hypercalls.h>
#include <pv/xen.h>
#include <utility>

extern "C" void hypercall_from_guest(hv::GuestRegs &regs);

namespace hv {
namespace {

constexpr unsigned max_arguments = 5;
constexpr std::uint32_t int82_bytes = 2;  // length of the instruction that a restart executes again
constexpr unsigned work_per_call = 128;   // units of work that a call may always do before it must stop...
constexpr unsigned most_work = 1024;  // ...and after which it must, so that interrupts are seen. A unit takes microseconds

struct Progress {
    bool restart = false;
    std::uint32_t arguments[max_arguments] = {};
    unsigned count = 0;
    unsigned work = 0;
};
Progress progress;  // of the one hypercall that this processor executes

using Handler = std::int32_t (*)(std::uint32_t const *arguments);

template <auto F>
struct Call;
template <class... P, std::int32_t (*F)(P...)>
struct Call<F> {
    static_assert(sizeof...(P) <= max_arguments);
    static std::int32_t with(std::uint32_t const *a)
    {
        return [a]<std::size_t... I>(std::index_sequence<I...>)
        {
            static_cast<void>(a);
            return F(a[I]...);
        }
        (std::index_sequence_for<P...>{});
    }
};

constexpr std::array<Handler, PV_NR_HYPERCALLS> make_table()
{
    std::array<Handler, PV_NR_HYPERCALLS> t{};
#define CALL(name) t[__HYPERVISOR_##name] = Call<do_##name>::with
    CALL(set_trap_table), CALL(mmu_update), CALL(set_gdt), CALL(stack_switch), CALL(set_callbacks);
    CALL(fpu_taskswitch), CALL(sched_op_compat), CALL(set_debugreg), CALL(get_debugreg), CALL(update_descriptor);
    CALL(memory_op), CALL(multicall), CALL(update_va_mapping), CALL(set_timer_op), CALL(event_channel_op_compat);
    CALL(xen_version), CALL(console_io), CALL(physdev_op_compat), CALL(vm_assist), CALL(iret), CALL(vcpu_op);
    CALL(update_va_mapping_otherdomain), CALL(mmuext_op), CALL(nmi_op), CALL(sched_op), CALL(callback_op);
    CALL(event_channel_op), CALL(physdev_op), CALL(sysctl), CALL(domctl);
    CALL(grant_table_op);
#undef CALL
    return t;
}
constinit std::array<Handler, PV_NR_HYPERCALLS> const table = make_table();

std::int32_t dispatch(std::uint32_t number, std::uint32_t const *arguments)
{
    if (number >= table.size() || !table[number])
        return -static_cast<std::int32_t>(Error::nosys);
    ++current_domain().counters.hypercalls[number];
    return table[number](arguments);
}

// One entry of a multicall. True: it wants to go on later, and its entry holds the new arguments.
bool run_entry(std::uint32_t address, multicall_entry entry, bool &fault)
{
    bool nested = entry.op == __HYPERVISOR_multicall || entry.op == __HYPERVISOR_iret;
    std::uint32_t arguments[6];
    std::memcpy(arguments, entry.args, sizeof arguments);
    // iret would change what the rest of the list runs as; a multicall within a multicall has no bound.
    entry.result = nested ? -static_cast<std::int32_t>(Error::inval) : dispatch(entry.op, arguments);
    if (progress.restart) {
        progress.restart = false;
        std::memcpy(entry.args, progress.arguments, progress.count * 4);
        fault = copy_to_guest(address + offsetof(multicall_entry, args), entry.args, progress.count * 4) != 0;
        return true;
    }
    fault = !write_guest(address + offsetof(multicall_entry, result), entry.result);
    return false;
}

void put_stub(std::uint8_t *stub, std::uint32_t number)
{
    // The guest jumps here with what `iret` needs on its stack; %eax goes on top of it.
    static constexpr std::uint8_t iret_stub[] = {0x50, 0xb8, __HYPERVISOR_iret, 0, 0, 0, 0xcd, 0x82, 0x0f, 0x0b};
    std::uint8_t const call_stub[] = {0xb8, static_cast<std::uint8_t>(number), 0, 0, 0, 0xcd, 0x82, 0xc3};
    if (number == __HYPERVISOR_iret)
        std::memcpy(stub, iret_stub, sizeof iret_stub);
    else
        std::memcpy(stub, call_stub, sizeof call_stub);
}

}  // namespace

bool preempt_requested()
{
    ++progress.work;
    return progress.work > work_per_call && (progress.work > most_work || work_pending());
}

void count_work(unsigned units) { progress.work += units; }

std::int32_t continue_hypercall(std::initializer_list<std::uint32_t> arguments)
{
    progress.restart = true;
    progress.count = 0;
    for (std::uint32_t a : arguments)
        progress.arguments[progress.count++] = a;
    return 0;
}

std::int32_t do_multicall(std::uint32_t calls, std::uint32_t count)
{
    if (!guest_range_ok(calls, count, sizeof(multicall_entry)))
        return -static_cast<std::int32_t>(Error::fault);
    for (; count; --count, calls += sizeof(multicall_entry)) {
        if (preempt_requested())
            return continue_hypercall({calls, count});
        multicall_entry entry;
        if (!read_guest(entry, calls))
            return -static_cast<std::int32_t>(Error::fault);
        bool fault = false;
        bool again = run_entry(calls, entry, fault);
        if (fault)
            return -static_cast<std::int32_t>(Error::fault);
        if (again)
            return continue_hypercall({calls, count});
    }
    return 0;
}

void fill_hypercall_page(void *page)
{
    auto bytes = static_cast<std::uint8_t *>(page);
    std::memset(bytes, 0xcc, page_size);
    for (std::uint32_t n = 0; n < page_size / PV_HYPERCALL_STUB_BYTES; ++n)
        put_stub(bytes + n * PV_HYPERCALL_STUB_BYTES, n);
}

}  // namespace hv

void hypercall_from_guest(hv::GuestRegs &r)
{
    using namespace hv;
    ++current_domain().counters.ring0_entries;
    progress.restart = false;
    progress.work = 0;
    std::uint32_t const arguments[max_arguments] = {r.ebx, r.ecx, r.edx, r.esi, r.edi};
    std::int32_t result = dispatch(r.eax, arguments);
    if (!progress.restart) {
        r.eax = static_cast<std::uint32_t>(result);
        return;
    }
    std::uint32_t *const slots[max_arguments] = {&r.ebx, &r.ecx, &r.edx, &r.esi, &r.edi};
    for (unsigned i = 0; i < progress.count; ++i)
        *slots[i] = progress.arguments[i];
    r.eip -= int82_bytes;
}
