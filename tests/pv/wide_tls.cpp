// SPDX-License-Identifier: MIT
// Thread-local storage as glibc has it on i386: a segment of 4 GiB whose words below its base are reached by negative
// offsets, which wrap round. A segment that ring 1 may load ends below the hypervisor, so on a machine that checks limits
// such an access faults; the hypervisor then makes the segment wide, for ring 3 only. Here: both halves of the segment
// work in ring 3, across system calls, faults, interrupts and the iret hypercall; and whatever took ring 3 there, ring 1
// never has the wide segment, neither in its table nor in a register.
#include "guest.hpp"

char const title[] = "thread-local storage below a segment's base";

namespace {

constexpr unsigned tls = 6 << 3 | 3;  // as Linux places it
constexpr unsigned tls_in_ldt = 2 << 3 | 7;
constexpr unsigned rounds = 50;

alignas(4096) std::uint64_t gdt[512];
alignas(4096) std::uint64_t ldt[512];
USER_DATA std::uint32_t storage[8] = {10, 11, 12, 13, 14, 15, 16, 17};
USER_DATA std::uint32_t volatile selector = tls;

bool enforced;
unsigned breaches, looked, upcalls;

inline __attribute__((always_inline)) std::uint32_t below()
{
    std::uint32_t v;
    asm volatile("mov %%gs:-4, %0" : "=r"(v));
    return v;
}
inline __attribute__((always_inline)) std::uint32_t above()
{
    std::uint32_t v;
    asm volatile("mov %%gs:0, %0" : "=r"(v));
    return v;
}
inline __attribute__((always_inline)) void load() { asm volatile("mov %0, %%gs" ::"r"(std::uint32_t{selector})); }

USER_TEXT void user_reads()
{
    load();
    std::uint32_t sum = above() * 1000 + below();
    asm volatile("movl $99, %%gs:-8" ::: "memory");
    user_exit(sum);
}
USER_TEXT void user_system_calls()
{
    load();
    std::uint32_t sum = 0;
    for (unsigned i = 0; i < rounds; ++i) {
        sum += below();
        asm volatile("int $0x80" ::"a"(20) : "memory");
        sum += above();
    }
    user_exit(sum);
}
USER_TEXT void user_faults()
{
    load();
    std::uint32_t volatile v = below();
    static_cast<void>(v);
    asm volatile("ud2");
}
USER_TEXT void user_beyond()
{
    load();
    asm volatile("mov %%gs:(%0), %%eax" ::"r"(0xfe000000 - word(&storage[4])) : "eax");
}
USER_TEXT void user_loops()
{
    load();
    for (;;)
        if (below() != 13)
            user_exit(1);
}
USER_TEXT void user_only_above()
{
    load();
    std::uint32_t sum = 0;
    for (unsigned i = 0; i < rounds; ++i) {
        sum += above();
        asm volatile("int $0x80" ::"a"(20) : "memory");
    }
    user_exit(sum);
}

// In a ring-1 handler that interrupted ring 3: the segment register as it came, and the table.
void look_for_breach()
{
    ++looked;
    std::uint32_t table = selector == tls ? static_cast<std::uint32_t>(gdt[6] >> 32)
                                          : static_cast<std::uint32_t>(ldt[2] >> 32);
    if ((table & 0xf0000) == 0xf0000 && (selector == tls ? gdt[6] : ldt[2]) << 48 >> 48 == 0xffff)
        ++breaches;
    if (!enforced)
        return;
    Fault before = last_fault;
    std::uint32_t gs;
    asm volatile("mov %%gs, %0" : "=r"(gs));
    if (gs != selector)
        ++breaches;
    auto hook = on_trap;
    on_trap = [](TrapFrame &f) {  // skips the two bytes of prefix and opcode, and ModRM
        if (f.vector != 13)
            return false;
        f.eip += 3;
        f.ecx = 1;
        return true;
    };
    std::uint32_t address = 0xfe000000 - word(&storage[4]), faulted = 0;
    asm volatile("mov %%gs:(%0), %%eax" : "+a"(address), "+c"(faulted) : : "memory");
    if (!faulted)
        ++breaches;
    on_trap = hook;
    last_fault = before;
}

bool look_on_trap(TrapFrame &f)
{
    if (f.vector == 0x100) {
        shared.vcpu_info[0].evtchn_upcall_pending = 0;
        shared.vcpu_info[0].evtchn_pending_sel = 0;
        for (xen_ulong_t &w : shared.evtchn_pending)
            w = 0;
    }
    if (f.from_user())
        look_for_breach();
    if (f.vector != 0x100)
        return false;
    if (++upcalls == 20)
        storage[3] = 0;  // ends the program's loop
    return true;
}

void reads_and_writes(bool by_hypercall)
{
    storage[2] = 12;
    User u = run_user(user_reads, by_hypercall);
    check(-1, "fault of a negative offset", u.fault.vector);
    check(14 * 1000 + 13, "words at and below the base", u.result);
    check(99, "a word written below the base", storage[2]);
}

void across_system_calls()
{
    User u = run_user(user_system_calls);
    check(-1, "fault", u.fault.vector);
    check(rounds * (13 + 14), "sum over system calls", u.result);
}

void direct_gate_stays()
{
    std::uint64_t least = ~0ull;
    for (unsigned i = 0; i < 5; ++i) {
        std::uint64_t before = ring0_entries();
        check(rounds * 14, "sum", run_user(user_only_above).result);
        std::uint64_t entries = ring0_entries() - before - 1;
        if (entries < least)
            least = entries;
    }
    check(0, "entries into ring 0 of a program without negative offsets", static_cast<std::int64_t>(least));
}

void ring1_never_has_it()
{
    on_trap = look_on_trap;
    check_fault(6, "a fault while wide", run_user(user_faults).fault);
    if (enforced)
        check_fault(14, "ring 3 beyond the end: the page keeps it out", run_user(user_beyond).fault);
    evtchn_bind_virq op{VIRQ_TIMER, 0, 0};
    check(0, "bind_virq", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &op));
    vcpu_set_periodic_timer period{2 * ms};
    hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, &period);
    event_mask() = 0;
    upcalls = 0;
    check(1, "a loop that ends after 20 events", run_user(user_loops).result);
    storage[3] = 13;
    event_mask() = 1;
    hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0);
    evtchn_close close{op.port};
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &close);
    on_trap = nullptr;
    check_true(looked > 20, "ring 1 looked while ring 3 was wide");
    check(0, "wide segments seen in ring 1", breaches);
}

void all_of_it()
{
    reads_and_writes(false);
    reads_and_writes(true);
    across_system_calls();
    direct_gate_stays();
    ring1_never_has_it();
}

void with_ldt()
{
    ldt[2] = descriptor(word(&storage[4]), 0xfffff, 0xf2, 12);
    remap(ldt, pte_of(ldt, 1));
    mmuext_op op{};
    op.cmd = MMUEXT_SET_LDT;
    op.arg1.linear_addr = word(ldt);
    op.arg2.nr_ents = 512;
    check(0, "set_ldt", hypercall(__HYPERVISOR_mmuext_op, &op, 1, 0, DOMID_SELF));
    selector = tls_in_ldt;
    looked = 0;
    all_of_it();
}

}  // namespace

void test_main()
{
    enforced = limits_enforced();
    print("segment limits are %s here\n", enforced ? "enforced" : "not enforced");
    std::uint64_t before = counter("segments widened");
    install_gdt(gdt, 512);
    check(0, "the segment", set_descriptor(&gdt[6], descriptor(word(&storage[4]), 0xfffff, 0xf2, 12)));
    all_of_it();
    with_ldt();
    print("segments widened after a fault: %llu\n", counter("segments widened") - before);
    if (enforced)
        check_true(counter("segments widened") > before, "segments were widened");
    success();
}
