// SPDX-License-Identifier: MIT
// The smallest guest: it says hello by the emergency console and switches the machine off. Chapters 1 to 4 of the porting guide.
//
// Prints: Hello from ring 1, on xen-3.0-x86_32p
// Prints: I have * pages, my page tables are at 0xc0*
// Prints: my frame 0 is the machine's frame *
#include <pv/elfnote.h>
#include <pv/sched.h>
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

void guest_main(struct start_info const *info)
{
    say("Hello from ring 1, on ");
    say(info->magic);
    say("\nI have ");
    say_number(info->nr_pages, 10);
    say(" pages, my page tables are at 0x");
    say_number(info->pt_base, 16);
    // Chapter 4: what the guest calls frame 0 is some frame of the machine; the list says which.
    say("\nmy frame 0 is the machine's frame ");
    say_number(((xen_pfn_t const *)info->mfn_list)[0], 10);
    say("\n");
    power_off();
}
