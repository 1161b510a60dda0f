// SPDX-License-Identifier: MIT
#include <hv/exception_table.hpp>
#include <hv/guest_copy.hpp>
#include <hv/tlb.hpp>

namespace hv {
namespace {

// `rep movs` leaves in %ecx what it did not do, also when a fault stops it: words times four plus the odd bytes, or the odd bytes.
std::size_t copy(void *to, void const *from, std::size_t bytes)
{
    std::size_t words = bytes / 4, rest = bytes % 4;
    asm volatile("1: rep movsl\n\t"
                 "mov %[rest], %%ecx\n"
                 "2: rep movsb\n\t"
                 "jmp 4f\n"
                 "3: lea (%[rest], %%ecx, 4), %%ecx\n"
                 "4:\n" HV_EX_TABLE("1b", "3b") HV_EX_TABLE("2b", "4b")
                 : "+c"(words), "+D"(to), "+S"(from)
                 : [rest] "r"(rest)
                 : "memory");
    return words;
}

void *guest_pointer(std::uint32_t address) { return reinterpret_cast<void *>(static_cast<std::uintptr_t>(address)); }

}  // namespace

std::size_t copy_from_guest(void *dst, std::uint32_t guest_address, std::size_t bytes)
{
    if (!guest_range_ok(guest_address, bytes, 1))
        return bytes;
    finish_flush();
    return copy(dst, guest_pointer(guest_address), bytes);
}

std::size_t copy_to_guest(std::uint32_t guest_address, void const *src, std::size_t bytes)
{
    if (!guest_range_ok(guest_address, bytes, 1))
        return bytes;
    finish_flush();
    return copy(guest_pointer(guest_address), src, bytes);
}

}  // namespace hv
