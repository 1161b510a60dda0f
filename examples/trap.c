// SPDX-License-Identifier: MIT
// A trap table, and a page fault that the guest answers: a page is taken away, touched, and given back by the handler. Chapters 5
// and 7 of the porting guide.
//
// Prints: page fault at the page's own address, error code 2
// Prints: the store went through: 42
// Prints: invalid opcode, gone past
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

static char page[4096] __attribute__((aligned(4096)));
static uint64_t page_entry;  // what maps it
static struct shared_info *shared;
static char shared_page[4096] __attribute__((aligned(4096)));

// The bounce frame lies on the stack as the processor would have pushed it: the error code where there is one, eip, cs, eflags,
// and esp, ss if it came from ring 3. What must be saved is saved by the entry; then the handler is ordinary code.
struct frame {
    uint32_t edi, esi, ebp, unused, ebx, edx, ecx, eax, error, eip, cs, eflags;
};
__asm__(".text\n"
        "page_fault_entry: pusha; push %esp; call page_fault; add $4, %esp; popa; add $4, %esp; jmp leave\n"
        "invalid_opcode_entry: push $0; pusha; push %esp; call invalid_opcode; add $4, %esp; popa; add $4, %esp; jmp leave\n"
        // The iret hypercall loads the event mask from the frame's IF in the same step; the stub pushes eax itself.
        "leave: jmp hypercall_page + 32 * 23\n");
extern char page_fault_entry[], invalid_opcode_entry[];

void page_fault(struct frame *f)
{
    uint32_t address = shared->vcpu_info[0].arch.cr2;  // where CR2 would be read
    say(address == (uint32_t)page + 16 ? "page fault at the page's own address" : "page fault somewhere else");
    say(", error code ");
    say_number(f->error, 16);
    say("\n");
    CALL(update_va_mapping, page, page_entry, page_entry >> 32, UVMF_INVLPG, 0);
}

void invalid_opcode(struct frame *f)
{
    say("invalid opcode, gone past\n");
    f->eip += 2;
}

void guest_main(struct start_info const *info)
{
    xen_pfn_t const *machine_frame = (xen_pfn_t const *)info->mfn_list;
    CALL(update_va_mapping, shared_page, info->shared_info | 3, 0, UVMF_INVLPG, 0);  // present, writable
    shared = (struct shared_info *)shared_page;

    static struct trap_info const table[] = {
        {6, 0, FLAT_KERNEL_CS, 0}, {14, 0, FLAT_KERNEL_CS, 0}, {0, 0, 0, 0}};
    struct trap_info traps[3];
    for (int i = 0; i < 3; ++i)
        traps[i] = table[i];
    traps[0].address = (uint32_t)invalid_opcode_entry;
    traps[1].address = (uint32_t)page_fault_entry;
    CALL(set_trap_table, traps, 0, 0, 0, 0);

    page_entry = (uint64_t)machine_frame[((uint32_t)page - 0xc0000000) >> 12] << 12 | 3;
    CALL(update_va_mapping, page, 0, 0, UVMF_INVLPG, 0);
    page[16] = 42;
    say("the store went through: ");
    say_number((unsigned char)*(char volatile *)&page[16], 10);
    say("\n");
    __asm__ volatile("ud2");
    power_off();
}
