// SPDX-License-Identifier: MIT
#include <algorithm>
#include <arch/boot.hpp>
#include <cstring>
#include <kernel/memory/mman.hpp>
#include <kernel/process/elf.hpp>

namespace kernel {
namespace {
constexpr std::uint32_t path_limit = 4096;

Result<> check_segment(Elf32_Phdr const &p, std::uint32_t previous_end)
{
    std::uint64_t end = std::uint64_t{p.p_vaddr} + p.p_memsz;
    if (p.p_filesz > p.p_memsz || end > arch::user_limit.raw())
        return Error::noexec;
    if (std::uint64_t{p.p_offset} + p.p_filesz > 0x7fff'ffffu)
        return Error::noexec;
    if ((p.p_vaddr - p.p_offset) % page_size != 0)
        return Error::noexec;
    if (p.p_vaddr < previous_end)
        return Error::noexec;
    return {};
}

void note_segment(ElfImage &image, Elf32_Ehdr const &header, Elf32_Phdr const &p)
{
    Vaddr start{p.p_vaddr}, file_end{p.p_vaddr + p.p_filesz}, end{p.p_vaddr + p.p_memsz};
    if (image.end == Vaddr{})
        image.start = page_floor(start);
    image.end = page_ceil(end);
    if (p.p_flags & PF_X) {
        if (image.end_code == Vaddr{})
            image.start_code = start;
        image.end_code = std::max(image.end_code, file_end);
    }
    image.start_data = std::max(image.start_data, start);
    image.end_data = std::max(image.end_data, file_end);
    image.end_bss = std::max(image.end_bss, end);
    auto table_end = std::uint64_t{header.e_phoff} + header.e_phnum * sizeof(Elf32_Phdr);
    if (image.headers == Vaddr{} && header.e_phoff >= p.p_offset && table_end <= std::uint64_t{p.p_offset} + p.p_filesz)
        image.headers = start + (header.e_phoff - p.p_offset);
}
}  // namespace

Result<> check_elf_header(std::span<std::byte const> bytes, Elf32_Ehdr &h)
{
    if (bytes.size() < sizeof h)
        return Error::noexec;
    std::memcpy(&h, bytes.data(), sizeof h);
    constexpr std::uint16_t em_486 = 6;
    if (std::memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_ident[EI_CLASS] != ELFCLASS32
        || h.e_ident[EI_DATA] != ELFDATA2LSB)
        return Error::noexec;
    if ((h.e_type != ET_EXEC && h.e_type != ET_DYN) || (h.e_machine != EM_386 && h.e_machine != em_486))
        return Error::noexec;
    if (h.e_phentsize != sizeof(Elf32_Phdr) || h.e_phnum == 0 || h.e_phnum > max_program_headers)
        return Error::noexec;
    return {};
}

Result<ElfImage> read_elf_image(Elf32_Ehdr const &header, std::span<Elf32_Phdr const> program_headers)
{
    ElfImage image;
    image.position_independent = header.e_type == ET_DYN;
    image.entry = Vaddr{header.e_entry};
    std::uint32_t previous_end = 0;
    for (auto const &p : program_headers) {
        if (p.p_type == PT_GNU_STACK)
            image.stack = p.p_flags & PF_X ? StackKind::executable : StackKind::plain;
        if (p.p_type == PT_INTERP && image.interpreter_bytes == 0) {
            if (p.p_filesz < 2 || p.p_filesz > path_limit)
                return Error::noexec;
            image.interpreter_offset = p.p_offset;
            image.interpreter_bytes = p.p_filesz;
        }
        if (p.p_type != PT_LOAD || p.p_memsz == 0)
            continue;
        TRY(check_segment(p, previous_end));
        previous_end = p.p_vaddr + p.p_memsz;
        note_segment(image, header, p);
    }
    if (image.end <= image.start)
        return Error::noexec;
    return image;
}

std::uint32_t elf_protection(Elf32_Phdr const &p)
{
    return (p.p_flags & PF_R ? std::uint32_t{page_read} : 0) | (p.p_flags & PF_W ? std::uint32_t{page_write} : 0)
        | (p.p_flags & PF_X ? std::uint32_t{page_exec} : 0);
}
}  // namespace kernel
