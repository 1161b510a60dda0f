// SPDX-License-Identifier: MIT
// Backtraces by the chain of frame pointers: each ebp points to the caller's, and the return address lies above it.
#include <arch/boot.hpp>
#include <arch/cpu.hpp>
#include <arch/upcalls.hpp>
#include <boot_tables.hpp>
#include <symbols.hpp>

namespace arch {
namespace {
constexpr unsigned deepest = 24;
constexpr std::uint32_t stack_bytes = 8192;

void log_address(std::uint32_t address)
{
    auto s = find_symbol(address);
    if (s.name)
        kernel::log("  %08x %s+%#x", address, s.name, address - s.start);
    else
        kernel::log("  %08x", address);
}

bool is_text(std::uint32_t address)
{
    return address >= vaddr_of(image_start).raw() && address < vaddr_of(text_end).raw();
}
}  // namespace

void log_backtrace(TrapFrame const *at)
{
    auto ebp = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
    if (at) {
        kernel::log("at %04x:%08x eflags %08x error %x", at->cs & 0xffff, at->eip, at->eflags, at->error);
        kernel::log("eax %08x ebx %08x ecx %08x edx %08x", at->eax, at->ebx, at->ecx, at->edx);
        kernel::log("esi %08x edi %08x ebp %08x", at->esi, at->edi, at->ebp);
        if (at->from_user())
            return;
        log_address(at->eip);
        ebp = at->ebp;
    }
    auto low = vaddr_of(&ebp).raw();  // callers' frames lie above ours, within one stack
    for (unsigned i = 0; i < deepest; ++i) {
        if (ebp < low || ebp >= low + stack_bytes || (ebp & 3))
            return;
        auto frame = pointer_to<std::uint32_t const>(Vaddr{ebp});
        if (!is_text(frame[1]))
            return;
        log_address(frame[1]);
        low = ebp + 1;
        ebp = frame[0];
    }
}
}  // namespace arch
