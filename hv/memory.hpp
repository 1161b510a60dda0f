// SPDX-License-Identifier: MIT
// The memory half of the hypervisor as its other half sees it (mmu_update.cpp, memory_op.cpp, build.cpp, paging.cpp).
#pragma once
#include <cstdint>
#include <hv/domain.hpp>
#include <hv/layout.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <span>

namespace hv {
// Makes `v`'s page tables the ones in CR3 (if they are not already).
void load_page_tables(Vcpu const &v);
// The L1/L2 entries that cover a linear address in v's current tables, for reports and for the emulator.
bool guest_linear_readable(std::uint32_t address, std::uint32_t bytes);
// The frame that v's tables map at an address below hypervisor_virt_start (present, 4 KB pages); else Error::fault.
Result<Mfn> guest_frame_at(Vcpu const &, std::uint32_t address);

// Maps guest frames into a vCPU's descriptor window (layout.hpp): pages 0-13 of the GDT half; the LDT half on demand. A vCPU without a
// window gets it filled with what it has when it is given one (vcpu.cpp).
void map_descriptor_window(Vcpu &, unsigned page, Mfn frame);
void unmap_descriptor_window(Vcpu &, unsigned page);
constexpr std::uint32_t window_gdt(unsigned window)
{
    return descriptor_window_start + window * descriptor_window_per_vcpu;
}
constexpr std::uint32_t window_ldt(unsigned window) { return window_gdt(window) + descriptor_window_per_vcpu / 2; }

// Hypercalls; arguments are guest registers, results what eax gets (0 or more, or a negative error).
std::int32_t do_mmu_update(std::uint32_t updates, std::uint32_t count, std::uint32_t done, std::uint32_t domain);
std::int32_t do_update_va_mapping(std::uint32_t address, std::uint32_t low, std::uint32_t high, std::uint32_t flags);
std::int32_t do_update_va_mapping_otherdomain(std::uint32_t address, std::uint32_t low, std::uint32_t high,
                                              std::uint32_t flags, std::uint32_t domain);
std::int32_t do_mmuext_op(std::uint32_t ops, std::uint32_t count, std::uint32_t done, std::uint32_t domain);
std::int32_t do_memory_op(std::uint32_t cmd, std::uint32_t arg);
// update_descriptor and set_gdt live in descriptor.cpp and use get_frame_and_type(FrameType::descriptor).

// Asks whether a long operation should stop here and be restarted (work since the hypercall began exceeds its budget and an
// event or the timer is due). mmu_update.cpp calls it at every entry; hypercall.cpp turns Error::again into a restart.
bool preempt_requested();
void count_work(unsigned units);  // that more was done than the next question counts: pages cleared, for example

// Everything a domain holds: pins, page tables, frames. Error::again: not done yet, call again.
Result<> release_domain_memory(Domain &);

struct Module {
    std::uint64_t start;
    std::uint32_t bytes;
    char const *command_line;
};
// Builds domain 0 from an ELF image with Xen notes and an initrd: start-of-day memory as Xen documents it. Fills
// vcpu 0's registers. On an error `message` says in one sentence what is wrong and what to do.
Result<> build_domain0(Domain &, Module kernel, Module const *initrd, char const **message);
}  // namespace hv
