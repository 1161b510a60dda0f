// SPDX-License-Identifier: MIT
#include <hv/exception_table.hpp>
#include <hv/limits.hpp>
#include <hv/log.hpp>
#include <hv/tables.hpp>
#include <lib/addr.hpp>
#include <lib/x86/descriptor.hpp>

namespace hv {
namespace {
bool checks_limits;
std::uint32_t probe[2];
}  // namespace

bool machine_checks_limits() { return checks_limits; }

void test_segment_limits()
{
    // Its last byte is the first word's; the second word lies outside.
    set_scratch_segment(Descriptor::segment(vaddr_of(probe).raw(), 3, Descriptor::writable_or_readable, 0));
    std::uint32_t faulted = 1;
    asm volatile("mov %1, %%fs\n"
                 "1:\tmov %%fs:4, %%ecx\n\t"
                 "xor %0, %0\n"
                 "2:\txor %%ecx, %%ecx\n\tmov %%ecx, %%fs\n\t" HV_EX_TABLE("1b", "2b")
                 : "+r"(faulted)
                 : "r"(std::uint32_t{scratch_selector})
                 : "ecx", "memory");
    checks_limits = faulted != 0;
    set_scratch_segment(Descriptor{});
    if (checks_limits)
        log("segment limits: enforced");
    else
        log("segment limits: NOT enforced by this machine (QEMU without KVM does not); guest kernels are trusted");
}

}  // namespace hv
