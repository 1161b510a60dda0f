// SPDX-License-Identifier: MIT
// Events in place of interrupts: an upcall, the timer's virtual interrupt, sleeping without losing a wake-up, the clock. Chapters
// 9 and 10 of the porting guide.
//
// Prints: tick 1
// Prints: tick 2
// Prints: tick 3
// Prints: slept at least 30 ms
// Prints: asleep with an event pending: not for long
#include <pv/elfnote.h>
#include <pv/event_channel.h>
#include <pv/sched.h>
#include <pv/vcpu.h>
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

static char shared_page[4096] __attribute__((aligned(4096)));
static struct shared_info volatile *shared;
static struct vcpu_info volatile *me;
static evtchn_port_t timer_port;
static unsigned ticks;

// Delivered like a trap, with events masked; iret by the hypervisor unmasks them as the frame's IF says.
__asm__(".text\n"
        "event_entry: pusha; call upcall; popa; jmp hypercall_page + 32 * 23\n"
        "failsafe_entry: ud2\n");  // a selector could not be loaded on the way back: not with flat segments
extern char event_entry[], failsafe_entry[];

// Chapter 10: a version that is odd, or changes, means that the hypervisor was writing.
static uint64_t now(void)
{
    struct vcpu_time_info volatile *t = &me->time;
    for (;;) {
        uint32_t version = t->version;
        uint64_t ticks_since = __builtin_ia32_rdtsc() - t->tsc_timestamp;
        if (t->tsc_shift < 0)
            ticks_since >>= -t->tsc_shift;
        else
            ticks_since <<= t->tsc_shift;
        uint64_t ns = t->system_time + (ticks_since >> 32) * t->tsc_to_system_mul
            + ((ticks_since & 0xffffffff) * t->tsc_to_system_mul >> 32);
        if (!(version & 1) && version == t->version)
            return ns;
    }
}

static void set_timer(uint64_t ns) { CALL(set_timer_op, ns, ns >> 32, 0, 0, 0); }

// Two levels: a word of the selector for each word of pending bits. Clear first, then look: what comes meanwhile sets them again.
void upcall(void)
{
    while (me->evtchn_upcall_pending) {
        me->evtchn_upcall_pending = 0;
        uint32_t words = __atomic_exchange_n(&me->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
        for (unsigned w = 0; w < 32; ++w) {
            if (!(words >> w & 1))
                continue;
            uint32_t ready = shared->evtchn_pending[w] & ~shared->evtchn_mask[w];
            __atomic_fetch_and(&shared->evtchn_pending[w], ~ready, __ATOMIC_SEQ_CST);
            if (w == timer_port / 32 && ready >> timer_port % 32 & 1)
                ++ticks;
        }
    }
}

// Masked from the look to the sleep, so that no event slips in between; SCHEDOP_block unmasks and sleeps in one step.
static void sleep_until_tick(unsigned wanted)
{
    for (;;) {
        me->evtchn_upcall_mask = 1;
        if (ticks >= wanted)
            break;
        CALL(sched_op, SCHEDOP_block, 0, 0, 0, 0);
    }
    me->evtchn_upcall_mask = 0;
}

void guest_main(struct start_info const *info)
{
    CALL(update_va_mapping, shared_page, info->shared_info | 3, 0, UVMF_INVLPG, 0);
    shared = (struct shared_info *)shared_page;
    me = &shared->vcpu_info[0];
    CALL(set_callbacks, FLAT_KERNEL_CS, event_entry, FLAT_KERNEL_CS, failsafe_entry, 0);

    struct evtchn_bind_virq bind = {VIRQ_TIMER, 0, 0};
    CALL(event_channel_op, EVTCHNOP_bind_virq, &bind, 0, 0, 0);
    timer_port = bind.port;
    CALL(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0, 0, 0);
    __atomic_fetch_and(&shared->evtchn_mask[timer_port / 32], ~(1u << timer_port % 32), __ATOMIC_SEQ_CST);

    uint64_t start = now();
    for (unsigned i = 1; i <= 3; ++i) {
        set_timer(now() + 10 * 1000 * 1000);
        sleep_until_tick(i);
        say("tick ");
        say_number(i, 10);
        say("\n");
    }
    say(now() - start >= 30 * 1000 * 1000 ? "slept at least 30 ms\n" : "woke too early\n");

    // An event that is pending before the sleep begins must end it.
    me->evtchn_upcall_mask = 1;
    set_timer(now());  // in the past: at once
    sleep_until_tick(4);
    say("asleep with an event pending: not for long\n");
    power_off();
}
