// SPDX-License-Identifier: MIT
// Returns through the hypervisor: the iret hypercall to both rings, with the event mask from IF. A frame that asks for ring 0,
// for virtual-8086 mode, for IOPL 3 or for selectors that do not exist ends in the guest: in its failsafe callback or
// a fault, never in ring 0.
#include "guest.hpp"

char const title[] = "the iret hypercall and failing returns";

extern "C" void iret_with(std::uint32_t const *frame);
asm(R"(
    .globl iret_with, iret_landed
iret_with:                  # frame: eip cs eflags esp ss, copied to the stack
    mov 4(%esp), %edx
    push 16(%edx)
    push 12(%edx)
    push 8(%edx)
    push 4(%edx)
    push (%edx)
    jmp hypercall_page + 23 * 32
iret_landed:
    ud2
)");
extern "C" void iret_landed();

namespace {

std::uint32_t failsafe_frame[9];
bool failsafe_seen;
std::uint32_t gs_in_failsafe;

bool see_failsafe(std::uint32_t const *frame)
{
    for (unsigned i = 0; i < 9; ++i)
        failsafe_frame[i] = frame[i];
    asm volatile("mov %%gs, %0" : "=r"(gs_in_failsafe));
    failsafe_seen = true;
    return true;
}

USER_TEXT void user_flags()
{
    std::uint32_t flags;
    asm volatile("pushf\n\tpop %0" : "=r"(flags));
    user_exit(flags);
}

Fault return_by(std::uint32_t cs, std::uint32_t eflags, std::uint32_t ss)
{
    std::uint32_t frame[] = {word(&iret_landed), cs, eflags, word(kernel_stack_top) - 16384, ss};
    failsafe_seen = false;
    return faults([&frame] { iret_with(frame); });
}

void friendly()
{
    Fault f = return_by(FLAT_RING1_CS, 0x202, 0);
    check_fault(6, "return to ring 1", f);
    check(word(&iret_landed), "eip", f.eip);
    check(0, "IF set: events were unmasked", f.mask);
    f = return_by(FLAT_RING1_CS, 0x002, 0);
    check(1, "IF clear: events were masked", f.mask);
    event_mask() = 1;
    User u = run_user(user_flags, true);
    check(-1, "ring 3 by hypercall", u.fault.vector);
    check(0x200, "IF in ring 3, IOPL 0", u.result & 0x7200);
}

void flags()
{
    Fault f = return_by(FLAT_RING1_CS, 0x3202, 0);  // IOPL 3
    check_fault(6, "return with IOPL 3", f);
    check_fault(13, "in is still refused", faults([] { asm volatile("inb $0x80, %%al" ::: "eax"); }));
    check_fault(13, "cli is still refused", faults([] { asm volatile("cli"); }));
    f = return_by(FLAT_RING1_CS, 0x4202, 0);  // NT
    check_fault(6, "return with NT", f);
    f = return_by(FLAT_RING1_CS, 0x20202, 0);  // VM
    check_fault(13, "return to virtual-8086 mode", f);
    f = return_by(FLAT_RING3_CS, 0x20202, FLAT_RING3_DS);
    check_fault(13, "return to virtual-8086 mode from there", f);
}

void bad_selectors()
{
    on_failsafe = see_failsafe;
    constexpr std::uint32_t codes[] = {0xe008,
                                       0xe009,
                                       0xe00a,
                                       0xe00b,
                                       0xe010,
                                       0xe040,
                                       0xe041,
                                       0,
                                       1,
                                       3,
                                       7,
                                       0x8 | 1,
                                       0xfff9,
                                       FLAT_RING1_DS,
                                       FLAT_RING3_CS & ~3u,
                                       (FLAT_RING3_CS & ~3u) | 1,
                                       0xe05b};
    for (std::uint32_t cs : codes) {
        Fault f = return_by(cs, 0x202, FLAT_RING3_DS);
        if (!failsafe_seen && f.vector == -1)
            failure("return to cs %04x: neither failsafe nor a fault", cs);
    }
    constexpr std::uint32_t stacks[] = {0, 3, 0xe010, 0xe013, FLAT_RING1_DS, FLAT_RING3_CS, 0x33, 0xfffb};
    for (std::uint32_t ss : stacks) {
        return_by(FLAT_RING3_CS, 0x202, ss);
        check_true(failsafe_seen, "a bad ss: failsafe");
    }
    return_by(0xe00b, 0x202, FLAT_RING3_DS);
    check(0xe00b, "cs in the failsafe frame", failsafe_frame[5] & 0xffff);
    check(word(&iret_landed), "eip in it", failsafe_frame[4]);
    check_true(failsafe_seen, "failsafe");
    on_failsafe = nullptr;
}

// A data segment that goes away while it is loaded: the next return into its user finds it out.
void vanishing_segment()
{
    alignas(4096) static std::uint64_t gdt[512];
    install_gdt(gdt, 512);
    check(0, "a segment", set_descriptor(&gdt[8], descriptor(0, 0xfff, 0xb2, 4)));
    on_failsafe = see_failsafe;
    failsafe_seen = false;
    faults([] {
        asm volatile("mov %0, %%gs" ::"r"(0x41));
        set_descriptor(&gdt[8], 0);  // its return reloads %gs
    });
    check_true(failsafe_seen, "failsafe");
    check(0x41, "gs in the failsafe frame", failsafe_frame[3]);
    check(0, "gs itself", gs_in_failsafe & 0xffff);
    on_failsafe = nullptr;
}

}  // namespace

void test_main()
{
    friendly();
    flags();
    bad_selectors();
    vanishing_segment();
    success();
}
