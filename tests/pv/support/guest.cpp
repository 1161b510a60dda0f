// SPDX-License-Identifier: MIT
#include "guest.hpp"
#include <cstdarg>
#include <cstring>
#include <lib/format.hpp>
#include <lib/panic.hpp>
#include <pv/sysctl.h>

extern "C" {
[[noreturn]] void guest_main(start_info *si);
void trap_handler(TrapFrame *frame);
[[noreturn]] void failsafe_handler(std::uint32_t const *frame);
[[noreturn]] void enter_user(void (*eip)(), std::uint8_t *esp, std::uint32_t by_hypercall);
extern std::uint8_t user_start[], user_end[];
std::uint32_t volatile syscall_count;
std::uint32_t user_result;
extern std::uint8_t hypercall_page[];
extern std::uint32_t catching[5];
}

start_info *info;
bool (*on_trap)(TrapFrame &);
bool (*on_failsafe)(std::uint32_t const *frame);
Fault last_fault;
// shared_info is mapped over a page of the image: nothing else may lie in it.
static union {
    alignas(4096) shared_info info;
    std::uint8_t page[4096];
} shared_page;
shared_info &shared = shared_page.info;
alignas(4096) static std::uint8_t kernel_trap_stack[8192];
alignas(4096) USER_DATA static std::uint8_t user_stack[8192];

Verdict verdict = Verdict::none;
void (*child_main)();
void (*write_text)(char const *text, std::uint32_t bytes) = [](char const *text, std::uint32_t bytes) {
    hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, bytes, text);
};

namespace {
void report(Verdict v, char const *kind, char const *format, std::va_list args)
{
    char text[300];
    vformat(text, sizeof text, format, args);
    print("%s: %s\n", kind, text);
    if (v > verdict)
        verdict = v;
}

[[noreturn]] void power_off(std::uint32_t reason)
{
    sched_shutdown op{reason};
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &op);
    for (;;) {}
}
}  // namespace

void print(char const *format, ...)
{
    char text[400];
    std::va_list args;
    va_start(args, format);
    vformat(text, sizeof text, format, args);
    va_end(args);
    write_text(text, std::strlen(text));
}

#define REPORT(verdict, kind)            \
    std::va_list args;                   \
    va_start(args, format);              \
    report(verdict, kind, format, args); \
    va_end(args)

void success()
{
    if (verdict < Verdict::success)
        verdict = Verdict::success;
}
void failure(char const *format, ...) { REPORT(Verdict::failure, "FAILURE"); }
void error(char const *format, ...) { REPORT(Verdict::error, "ERROR"); }
void skip(char const *format, ...)
{
    REPORT(Verdict::skip, "SKIP");
    finish();
}
void panic(char const *format, ...)
{
    {
        REPORT(Verdict::error, "ERROR");
    }
    finish();
}

void finish()
{
    if (child_main)
        power_off(SHUTDOWN_poweroff);
    constexpr char const *names[] = {"ERROR (no report)", "SUCCESS", "SKIP", "FAILURE", "ERROR"};
    print("Test result: %s\n", names[static_cast<unsigned>(verdict)]);
    power_off(SHUTDOWN_poweroff);
}

void check(std::int64_t expected, char const *what, std::int64_t got)
{
    if (expected != got)
        failure("%s: expected %lld, got %lld", what, expected, got);
}
void check_true(bool condition, char const *what)
{
    if (!condition)
        failure("%s", what);
}
void check_fault(int vector, char const *what, Fault got)
{
    if (got.vector != vector)
        failure("%s: expected fault %d, got %d (error %x, eip %08x, cr2 %08x)", what, vector, got.vector, got.error,
                got.eip, got.cr2);
}

std::int32_t hypercall_words(std::uint32_t number, std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d,
                             std::uint32_t e)
{
    std::int32_t result;
    asm volatile("call *%[stub]"
                 : "=a"(result), "+b"(a), "+c"(b), "+d"(c), "+S"(d), "+D"(e)
                 : [stub] "0"(hypercall_page + number * PV_HYPERCALL_STUB_BYTES)
                 : "memory");
    return result;
}

// --- traps -------------------------------------------------------------------------------------------------------------

void trap_handler(TrapFrame *f)
{
    if (on_trap && on_trap(*f))
        return;
    if (f->vector == 0x100)
        return;  // an upcall that nobody waits for
    last_fault = {static_cast<int>(f->vector),  f->error, f->eip, f->cs & 0xffff, f->eflags,
                  shared.vcpu_info[0].arch.cr2, f->mask()};
    event_mask() = static_cast<std::uint8_t>(f->mask());
    if (!catching[4])
        panic("trap %u (error %x) at %04x:%08x, cr2 %08x, that nobody expected", f->vector, f->error, f->cs & 0xffff,
              f->eip, last_fault.cr2);
    unwind();
}

void failsafe_handler(std::uint32_t const *frame)
{
    if (!on_failsafe || !on_failsafe(frame))
        error("failsafe callback at eip %08x", frame[4]);
    unwind();
}

static void install_traps()
{
    static trap_info table[34];
    for (unsigned i = 0; i < 32; ++i)
        table[i] = {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i == 3 || i == 4 ? 3 : 0), FLAT_KERNEL_CS,
                    word(trap_entries[i])};
    table[32] = {0x80, 3, FLAT_KERNEL_CS, word(&syscall_entry)};
    if (hypercall(__HYPERVISOR_set_trap_table, table))
        error("set_trap_table");
    if (hypercall(__HYPERVISOR_set_callbacks, FLAT_KERNEL_CS, &event_entry, FLAT_KERNEL_CS, &failsafe_entry))
        error("set_callbacks");
    if (hypercall(__HYPERVISOR_stack_switch, FLAT_KERNEL_DS, kernel_trap_stack + sizeof kernel_trap_stack))
        error("stack_switch");
}

// --- memory ------------------------------------------------------------------------------------------------------------

std::uint32_t mfn_of(void const volatile *page)
{
    auto p2m = reinterpret_cast<std::uint32_t const *>(static_cast<std::uintptr_t>(info->mfn_list));
    return p2m[(word(page) - 0xc0000000) >> 12];
}

std::uint64_t pte_of(void const volatile *page, std::uint64_t bits)
{
    return std::uint64_t{mfn_of(page)} << 12 | bits | 0x60;  // accessed, dirty
}

void remap(void const volatile *page, std::uint64_t pte)
{
    std::int32_t r = hypercall(__HYPERVISOR_update_va_mapping, page, static_cast<std::uint32_t>(pte),
                               static_cast<std::uint32_t>(pte >> 32), UVMF_INVLPG | UVMF_LOCAL);
    if (r)
        error("update_va_mapping of %08x: %d", word(page), r);
}

std::uint64_t now()
{
    vcpu_time_info const volatile &t = shared.vcpu_info[0].time;
    for (;;) {
        std::uint32_t version = t.version;
        barrier();
        std::uint64_t tsc;
        asm volatile("rdtsc" : "=A"(tsc));
        std::uint64_t delta = tsc - t.tsc_timestamp;
        int shift = t.tsc_shift;
        delta = shift < 0 ? delta >> -shift : delta << shift;
        std::uint64_t ns = t.system_time + (delta >> 32) * t.tsc_to_system_mul
            + ((delta & 0xffff'ffff) * t.tsc_to_system_mul >> 32);
        barrier();
        if (!(version & 1) && version == t.version)
            return ns;
    }
}

static xen_sysctl_perfc_val_t perfc_values[256];
static xen_sysctl_perfc_desc perfc_names[256];

static unsigned query_counters(bool with_names)
{
    xen_sysctl op{};
    op.cmd = XEN_SYSCTL_perfc_op;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    op.u.perfc_op.cmd = XEN_SYSCTL_PERFCOP_query;
    set_xen_guest_handle_64(op.u.perfc_op.val, perfc_values);
    if (with_names)
        set_xen_guest_handle_64(op.u.perfc_op.desc, perfc_names);
    if (std::int32_t r = hypercall(__HYPERVISOR_sysctl, &op))
        error("sysctl perfc_op: %d", r);
    return op.u.perfc_op.nr_counters;
}

std::uint64_t ring0_entries()
{
    query_counters(false);
    return perfc_values[0];
}

std::uint64_t counter(char const *name)
{
    unsigned n = query_counters(true);
    for (unsigned i = 0; i < n; ++i)
        if (!std::strcmp(perfc_names[i].name, name))
            return perfc_values[i];
    error("no counter \"%s\"", name);
    return 0;
}

bool limits_enforced()
{
    return faults([] { asm volatile("mov 0xfc000000, %%eax" ::: "eax"); }).vector == 13;
}

void install_gdt(std::uint64_t *page, unsigned entries)
{
    remap(page, pte_of(page, 1));
    std::uint32_t frame = mfn_of(page);
    if (std::int32_t r = hypercall(__HYPERVISOR_set_gdt, &frame, entries))
        error("set_gdt: %d", r);
}

std::int32_t set_descriptor(std::uint64_t *slot, std::uint64_t value)
{
    std::uint64_t at = (std::uint64_t{mfn_of(slot)} << 12) + word(slot) % 4096;
    return hypercall(__HYPERVISOR_update_descriptor, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at >> 32),
                     static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32));
}

// --- ring 3 ------------------------------------------------------------------------------------------------------------

User run_user(void (*code)(), bool by_hypercall)
{
    struct Start {
        void (*code)();
        bool by_hypercall;
    } start{code, by_hypercall};
    last_fault = {};
    user_result = 0;
    catch_fault(
        [](void *p) {
            auto s = static_cast<Start *>(p);
            enter_user(s->code, user_stack + sizeof user_stack - 16, s->by_hypercall);
        },
        &start);
    return {last_fault, user_result};
}

void guest_main(start_info *si)
{
    info = si;
    install_traps();
    std::uint64_t pte = si->shared_info | 0x63;
    remap(&shared, pte);
    for (std::uint8_t *page = user_start; page < user_end; page += 4096)
        remap(page, pte_of(page, 1 | 2 | 4));
    if (child_main) {
        verdict = Verdict::none;
        child_main();
        finish();
    }
    print("--- %s\n", title);
    test_main();
    finish();
}
