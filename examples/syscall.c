// SPDX-License-Identifier: MIT
// A program in ring 3, and its system calls: int 0x80 goes straight to this kernel in ring 1, iret straight back. Chapters 6 to 8 of
// the porting guide.
//
// Prints: the program asked to add 40 and 2
// Prints: the program wants to end with 42
// Prints: 1000 system calls: * entries into ring 0
#include <pv/elfnote.h>
#include <pv/sched.h>
#include <pv/sysctl.h>
#include <pv/xen.h>

// --- what the domain builder reads, and the first instructions; the same in each example ---------------------------------------
#define STRING(x)      #x
#define NUMBER(x)      STRING(x)
#define TEXT_NOTE(type, text)  ".balign 4; .long 4, 2f - 1f, " NUMBER(type) "; .asciz \"Xen\"; 1: .asciz \"" text "\"; 2: .balign 4\n"
#define VALUE_NOTE(type, value) ".balign 4; .long 4, 4, " NUMBER(type) "; .asciz \"Xen\"; .long " value "\n"

__asm__(".pushsection .note.Xen, \"a\", @note\n"
        TEXT_NOTE(XEN_ELFNOTE_XEN_VERSION, "xen-3.0")
        TEXT_NOTE(XEN_ELFNOTE_LOADER, "generic")
        TEXT_NOTE(XEN_ELFNOTE_PAE_MODE, "yes")
        VALUE_NOTE(XEN_ELFNOTE_VIRT_BASE, "0xc0000000")
        VALUE_NOTE(XEN_ELFNOTE_PADDR_OFFSET, "0xc0000000")  // the linker gives physical addresses equal to the virtual ones
        VALUE_NOTE(XEN_ELFNOTE_ENTRY, "_start")
        VALUE_NOTE(XEN_ELFNOTE_HYPERCALL_PAGE, "hypercall_page")
        ".popsection\n"
        ".bss; .balign 16; .skip 16384; stack_top:\n"
        ".text; .balign 4096; hypercall_page: .skip 4096\n"  // the builder writes the stubs here
        ".globl _start; _start: cld; mov $stack_top, %esp; push %esi; call guest_main; ud2\n");

extern char hypercall_page[];

static long hypercall(unsigned number, long a, long b, long c, long d, long e)
{
    long result;
    __asm__ volatile("call *%%eax"
                     : "=a"(result), "+b"(a), "+c"(b), "+d"(c), "+S"(d), "+D"(e)
                     : "0"(hypercall_page + PV_HYPERCALL_STUB_BYTES * number)
                     : "memory");
    return result;
}
#define CALL(name, a, b, c, d, e) \
    hypercall(__HYPERVISOR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

static void say(char const *text)
{
    unsigned length = 0;
    while (text[length])
        ++length;
    CALL(console_io, CONSOLEIO_write, length, text, 0, 0);
}

static void say_number(unsigned long n, unsigned base)
{
    char digits[12], *at = digits + 11;
    *at = 0;
    do
        *--at = "0123456789abcdef"[n % base];
    while (n /= base);
    say(at);
}

static _Noreturn void power_off(void)
{
    struct sched_shutdown end = {SHUTDOWN_poweroff};
    for (;;)
        CALL(sched_op, SCHEDOP_shutdown, &end, 0, 0, 0);
}
// --------------------------------------------------------------------------------------------------------------------------------

static char program_stack[4096] __attribute__((aligned(4096)));
static char kernel_stack[4096] __attribute__((aligned(4096)));
static xen_pfn_t const *machine_frame;
static unsigned calls;

// The program: on a page of its own, which ring 3 may see. Call 1 adds ebx and ecx, call 2 does nothing, call 0 ends with ebx.
__asm__(".text; .balign 4096\n"
        "program: mov $1, %eax; mov $40, %ebx; mov $2, %ecx; int $0x80\n"
        "mov %eax, %esi; mov $1000, %edi\n"
        "1: mov $2, %eax; int $0x80; dec %edi; jnz 1b\n"
        "mov $0, %eax; mov %esi, %ebx; int $0x80; ud2\n"
        ".balign 4096\n"
        // As a processor's own gate would: ss esp eflags cs eip are pushed, on the stack that stack_switch named.
        "system_call: push %ds; push %es; pusha; mov $" NUMBER(FLAT_KERNEL_DS) ", %edx; mov %edx, %ds; mov %edx, %es\n"
        "push %esp; call serve; add $4, %esp; popa; pop %es; pop %ds; iret\n"
        "enter_program: mov 4(%esp), %ecx; mov 8(%esp), %edx\n"
        "push $" NUMBER(FLAT_USER_DS) "; push %edx; push $0x202; push $" NUMBER(FLAT_USER_CS) "; push %ecx\n"
        "mov $" NUMBER(FLAT_USER_DS) ", %eax; mov %eax, %ds; mov %eax, %es; iret\n");
extern char program[], system_call[];
_Noreturn void enter_program(void *eip, void *esp);

struct registers {
    uint32_t edi, esi, ebp, unused, ebx, edx, ecx, eax;
};

// How often the processor entered ring 0 for this domain so far: a counter of Lodger's hypervisor, by the sysctl that Xen has for
// such counters (the reading itself is one entry).
static long ring0_entries(void)
{
    static struct xen_sysctl_perfc_desc names[256];
    static uint32_t values[1024];
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_perfc_op, .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    op.u.perfc_op.cmd = XEN_SYSCTL_PERFCOP_query;
    set_xen_guest_handle_64(op.u.perfc_op.desc, names);
    set_xen_guest_handle_64(op.u.perfc_op.val, values);
    if (CALL(sysctl, &op, 0, 0, 0, 0) < 0)
        return -1;
    return values[0];  // "entries into ring 0" is the first
}

void serve(struct registers *r)
{
    static long before;
    if (r->eax == 1) {
        say("the program asked to add ");
        say_number(r->ebx, 10);
        say(" and ");
        say_number(r->ecx, 10);
        say("\n");
        r->eax = r->ebx + r->ecx;
        before = ring0_entries();
    } else if (r->eax == 2) {
        ++calls;
    } else {
        long after = ring0_entries();
        say("the program wants to end with ");
        say_number(r->ebx, 10);
        say("\n");
        say_number(calls, 10);
        say(" system calls: ");
        if (before < 0)
            say("uncounted");
        else
            say_number(after - before - 1, 10);
        say(" entries into ring 0\n");
        power_off();
    }
}

static void allow_program(void const *page, unsigned bits)  // bits: 5 readable in ring 3, 7 writable too
{
    uint64_t e = (uint64_t)machine_frame[((uint32_t)page - 0xc0000000) >> 12] << 12 | bits;
    CALL(update_va_mapping, page, e, e >> 32, UVMF_INVLPG, 0);
}

void guest_main(struct start_info const *info)
{
    machine_frame = (xen_pfn_t const *)info->mfn_list;
    struct trap_info traps[] = {{0x80, 3, FLAT_KERNEL_CS, (uint32_t)system_call}, {0, 0, 0, 0}};  // 3: ring 3 may raise it
    CALL(set_trap_table, traps, 0, 0, 0, 0);
    CALL(stack_switch, FLAT_KERNEL_SS, kernel_stack + sizeof kernel_stack, 0, 0, 0);
    allow_program(program, 5);
    allow_program(program_stack, 7);
    enter_program(program, program_stack + sizeof program_stack);
}
