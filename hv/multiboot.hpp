// SPDX-License-Identifier: MIT
// What the boot loader says, copied out of its memory before anything else uses that memory.
#pragma once
#include <cstdint>
#include <hv/memory.hpp>
#include <lib/result.hpp>
#include <span>

namespace hv {
// A range of machine memory as the firmware describes it (ACPI 6.4, 15.1): type 1 is RAM.
struct MemoryRange {
    std::uint64_t start, end;
    std::uint32_t type;
};
inline constexpr std::uint32_t memory_is_ram = 1;

struct BootInfo {
    static constexpr unsigned max_ranges = 64, max_modules = 4, text_bytes = 1024;
    MemoryRange ranges[max_ranges];
    unsigned range_count;
    Module modules[max_modules];
    unsigned module_count;
    char command_line[text_bytes];
    char module_text[max_modules][text_bytes];
    char loader[64];

    std::span<MemoryRange const> memory() const { return {ranges, range_count}; }
};

// Reads machine memory below 4 GB into the hypervisor's.
void read_machine(void *to, std::uint64_t from, std::uint32_t bytes);

// Error::inval: not a multiboot loader. Error::nodata: it gave no memory map.
Result<> read_multiboot(BootInfo &, std::uint32_t magic, std::uint32_t information);
// The arguments of a kernel: its command line without the file name that some loaders put first.
char const *without_file_name(BootInfo const &, char const *command_line);
}  // namespace hv
