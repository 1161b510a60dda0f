// SPDX-License-Identifier: MIT
// Reading an ELF program's headers: what to map where. Pure functions over bytes that come from a file nobody vouches for.
// System V ABI, chapters 4 and 5; its Intel386 supplement.
#pragma once
#include <cstddef>
#include <elf.h>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <span>

namespace kernel {
// The file is a program for this machine: Error::noexec if not (also for a 64-bit one). Checks nothing beyond the header but the
// size of the program header table.
Result<> check_elf_header(std::span<std::byte const> first_bytes, Elf32_Ehdr &out);
inline constexpr std::uint32_t max_program_headers = 65536 / sizeof(Elf32_Phdr);

enum class StackKind { not_said, plain, executable };  // PT_GNU_STACK

// What the program headers say, addresses without the load bias.
struct ElfImage {
    Vaddr start{}, end{};      // of all segments, page-aligned
    Vaddr entry{}, headers{};  // headers: where the program header table is in memory; 0: nowhere
    Vaddr start_code{}, end_code{}, start_data{}, end_data{}, end_bss{};
    std::uint32_t interpreter_offset = 0, interpreter_bytes = 0;  // bytes 0: none; with the NUL
    StackKind stack = StackKind::not_said;
    bool position_independent = false;
};
// Precondition: `header` passed check_elf_header(). Error::noexec for headers that contradict themselves or user space.
Result<ElfImage> read_elf_image(Elf32_Ehdr const &header, std::span<Elf32_Phdr const> program_headers);
std::uint32_t elf_protection(Elf32_Phdr const &);  // PROT_*
}  // namespace kernel
