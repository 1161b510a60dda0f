// SPDX-License-Identifier: MIT
// Page tables of the guest's own: built as plain memory, made read-only, validated by pinning, loaded, changed by mmu_update. And
// what the hypervisor refuses. Chapters 4 and 5 of the porting guide.
//
// Prints: the new tables are pinned: 0
// Prints: and loaded: 0
// Prints: seen at 0x10000000: 1234
// Prints: after mmu_update: 5678
// Prints: a writable mapping of a table: refused
// Prints: a store into a table: a page fault
// Prints: pinning a table that is mapped writable: refused
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

typedef uint64_t table[512] __attribute__((aligned(4096)));
static table root, user_l2, user_l1, kernel_l2, never;  // root: four entries are used
static uint32_t page_a[1024] __attribute__((aligned(4096))), page_b[1024] __attribute__((aligned(4096)));
static xen_pfn_t const *machine_frame;
static unsigned faults;

__asm__(".text\n"
        "page_fault_entry: pusha; push %esp; call page_fault; add $4, %esp; popa; add $4, %esp\n"
        "jmp hypercall_page + 32 * 23\n");
extern char page_fault_entry[];

void page_fault(uint32_t *registers)
{
    ++faults;
    registers[9] += 2;  // past the store: eip lies above the eight registers and the error code
}

// Chapter 4: entries hold machine frames.
static uint64_t entry(void const *page, unsigned bits)
{
    return (uint64_t)machine_frame[((uint32_t)page - 0xc0000000) >> 12] << 12 | bits;
}

static long protect(void const *page, unsigned bits)  // 1: present; 3: and writable
{
    uint64_t e = entry(page, bits);
    return CALL(update_va_mapping, page, e, e >> 32, UVMF_INVLPG, 0);
}

static long extended(unsigned command, void const *page)
{
    struct mmuext_op op = {command, {(uint32_t)(entry(page, 0) >> 12)}, {0}};
    return CALL(mmuext_op, &op, 1, 0, DOMID_SELF, 0);
}

static void result(char const *what, long r)
{
    say(what);
    if (r < 0)
        say("-");
    say_number(r < 0 ? -r : r, 10);
    say("\n");
}

void guest_main(struct start_info const *info)
{
    machine_frame = (xen_pfn_t const *)info->mfn_list;
    struct trap_info traps[] = {{14, 0, FLAT_KERNEL_CS, (uint32_t)page_fault_entry}, {0, 0, 0, 0}};
    CALL(set_trap_table, traps, 0, 0, 0, 0);
    page_a[0] = 1234;
    page_b[0] = 5678;

    // Slot 3 is the kernel's gigabyte. Its L2 ends with the hypervisor's own entries, which it fills in itself, and a real Xen
    // lets no two roots share it: so a copy of the part below them, 0xc0000000 to 0xf5800000.
    uint64_t const *old_root = (uint64_t const *)info->pt_base;
    uint64_t const *old_l2 = 0;
    for (unsigned i = 0; i < info->nr_pt_frames; ++i)  // where the list says that frame is ours
        if (machine_frame[((info->pt_base - 0xc0000000) >> 12) + i] == (uint32_t)(old_root[3] >> 12))
            old_l2 = (uint64_t const *)(info->pt_base + (i << 12));
    for (unsigned i = 0; i < 428; ++i)
        kernel_l2[i] = old_l2[i];

    // 0x10000000 is slot 0, entry 128, page 0. The upper two kinds of entries point to tables.
    user_l1[0] = entry(page_a, 7);
    user_l2[128] = entry(user_l1, 7);
    root[0] = entry(user_l2, 1);
    root[3] = entry(kernel_l2, 1);
    protect(user_l1, 1);
    protect(user_l2, 1);
    protect(kernel_l2, 1);
    protect(root, 1);
    result("the new tables are pinned: ", extended(MMUEXT_PIN_L3_TABLE, root));
    result("and loaded: ", extended(MMUEXT_NEW_BASEPTR, root));

    uint32_t volatile *seen = (uint32_t volatile *)0x10000000;
    result("seen at 0x10000000: ", *seen);
    struct mmu_update change = {entry(user_l1, MMU_NORMAL_PT_UPDATE), entry(page_b, 7)};
    CALL(mmu_update, &change, 1, 0, DOMID_SELF, 0);
    CALL(update_va_mapping, seen, entry(page_b, 7), entry(page_b, 7) >> 32, UVMF_INVLPG, 0);
    result("after mmu_update: ", *seen);

    say(protect(user_l1, 3) < 0 ? "a writable mapping of a table: refused\n" : "a table is writable: the end of the world\n");
    __asm__ volatile("mov %%eax, (%%ecx)" ::"a"(0), "c"(user_l1) : "memory");  // two bytes long
    say(faults == 1 ? "a store into a table: a page fault\n" : "a store into a table went through\n");
    say(extended(MMUEXT_PIN_L1_TABLE, never) < 0 ? "pinning a table that is mapped writable: refused\n" : "pinned\n");
    power_off();
}
