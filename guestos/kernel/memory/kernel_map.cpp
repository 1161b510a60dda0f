// SPDX-License-Identifier: MIT
// One bit for each page of the kernel's map; the first gap that is wide enough.
#include <arch/boot.hpp>
#include <arch/device.hpp>
#include <arch/page_tables.hpp>
#include <kernel/memory/kernel_map.hpp>
#include <lib/panic.hpp>

namespace kernel {
namespace {
constexpr std::uint32_t pages = (arch::kernel_map_end - arch::kernel_map_start) >> page_shift;
constinit std::uint32_t taken[(pages + 31) / 32]{};

bool is_taken(std::uint32_t page) { return (taken[page / 32] >> page % 32 & 1) != 0; }

void mark(std::uint32_t first, std::uint32_t n, bool as_taken)
{
    for (auto page = first; page < first + n; ++page) {
        ASSERT(is_taken(page) != as_taken);
        taken[page / 32] ^= 1u << page % 32;
    }
}

Vaddr address_of(std::uint32_t page) { return arch::kernel_map_start + (page << page_shift); }
}  // namespace

Result<Vaddr> take_kernel_range(std::uint32_t n)
{
    std::uint32_t run = 0;
    for (std::uint32_t page = 0; page < pages; ++page) {
        run = is_taken(page) ? 0 : run + 1;
        if (run != n + 1)
            continue;
        auto first = page - n;
        mark(first, n + 1, true);
        return address_of(first);
    }
    return Error::nomem;
}

void give_kernel_range(Vaddr v, std::uint32_t n) { mark((v - arch::kernel_map_start) >> page_shift, n + 1, false); }

Result<void volatile *> map_device(Maddr registers, std::uint32_t bytes)
{
    auto offset = page_offset(registers);
    auto n = pages_for(offset + bytes);
    auto first = TRY(take_kernel_range(n));
    for (std::uint32_t i = 0; i < n; ++i) {
        auto mapped = arch::map_device_page(first + (i << page_shift), to_mfn(registers) + i);
        if (mapped.ok())
            continue;
        while (i-- > 0)
            arch::PageTables::unmap_kernel(first + (i << page_shift));
        give_kernel_range(first, n);
        return mapped.error();
    }
    return static_cast<void volatile *>(pointer_to<void>(first + offset));
}
}  // namespace kernel
