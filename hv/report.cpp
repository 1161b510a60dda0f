// SPDX-License-Identifier: MIT
// What is said when something ends that should not: registers and a backtrace along the chain of %ebp.
#include <cstdarg>
#include <hv/console.hpp>
#include <hv/cpu.hpp>
#include <hv/guest_copy.hpp>
#include <hv/log.hpp>
#include <hv/percpu.hpp>
#include <hv/symbols.hpp>
#include <hv/trap.hpp>
#include <lib/format.hpp>
#include <lib/panic.hpp>
#include <lib/x86/priv.hpp>

extern "C" [[noreturn]] void double_fault_in_ring0();

namespace hv {
namespace {

constexpr unsigned max_frames = 16;
constexpr unsigned stack_words = 24;

bool read_word(std::uint32_t address, std::uint32_t &word, bool guest)
{
    if (guest)
        return read_guest(word, address);
    if (address % 4 || address < image_start || address >= image_start + image_bytes)
        return false;
    word = *pointer_to<std::uint32_t>(Vaddr{address});
    return true;
}

void log_frame(std::uint32_t address, bool guest)
{
    char text[96] = "";
    if (!guest)
        describe_address(address, text, sizeof text);
    log("    %08x %s", address, text);
}

void report_guest_stack(std::uint32_t esp)
{
    for (unsigned i = 0; i < stack_words; i += 8) {
        std::uint32_t w[8];
        if (!read_guest(w, esp + i * 4))
            return log("  stack at %08x: unreadable", esp + i * 4);
        log("  stack %08x: %08x %08x %08x %08x %08x %08x %08x %08x", esp + i * 4, w[0], w[1], w[2], w[3], w[4], w[5],
            w[6], w[7]);
    }
}

}  // namespace

void describe_address(std::uint32_t address, char *out, unsigned bytes)
{
    SymbolName s = address >= image_start ? find_symbol(address) : SymbolName{nullptr, 0};
    if (s.name)
        format(out, bytes, "%s+0x%x", s.name, s.offset);
    else if (bytes)
        *out = 0;
}

void report_backtrace(std::uint32_t eip, std::uint32_t ebp, bool guest)
{
    log("  called from (newest first):");
    log_frame(eip, guest);
    for (unsigned i = 0; i < max_frames; ++i) {
        std::uint32_t next, address;
        if (!read_word(ebp, next, guest) || !read_word(ebp + 4, address, guest) || !address)
            return;
        log_frame(address, guest);
        if (next <= ebp)
            return;
        ebp = next;
    }
}

void report_registers(GuestRegs const &r, bool of_ring0)
{
    log("  eip %08x cs %04x eflags %08x  vector %u error %x", r.eip, r.cs & 0xffff, r.eflags, r.vector, r.error);
    log("  eax %08x ebx %08x ecx %08x edx %08x", r.eax, r.ebx, r.ecx, r.edx);
    log("  esi %08x edi %08x ebp %08x ds %04x es %04x fs %04x gs %04x", r.esi, r.edi, r.ebp, r.ds & 0xffff,
        r.es & 0xffff, r.fs & 0xffff, r.gs & 0xffff);
    if (!of_ring0) {
        log("  esp %08x ss %04x  cr2 %08x", r.esp, r.ss & 0xffff, current().trap_cr2);
        report_guest_stack(r.esp);
    }
    report_backtrace(r.eip, r.ebp, !of_ring0);
}

}  // namespace hv

using namespace hv;

void panic(char const *format_string, ...)
{
    static bool again;
    x86::cli();
    if (again)
        machine_power_off(2);
    again = true;
    char text[200];
    std::va_list args;
    va_start(args, format_string);
    vformat(text, sizeof text, format_string, args);
    va_end(args);
    log("PANIC: %s", text);
    report_backtrace(static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(__builtin_return_address(0))),
                     static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0))), false);
    machine_power_off(2);
}

// Runs as a task of its own: the registers of what was interrupted are in the processor's main TSS.
void double_fault_in_ring0()
{
    Tss const &t = this_cpu().tss;
    log("double fault in ring 0: eip %08x esp %08x ebp %08x cr2 %08x", t.eip, t.esp, t.ebp, x86::read_cr2());
    report_backtrace(t.eip, t.ebp, false);
    panic("double fault");
}
