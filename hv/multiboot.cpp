// SPDX-License-Identifier: MIT
// Multiboot Specification 0.6.96, 3.3 "Boot information format"; Multiboot2 Specification 2.0, 3.6.
#include <hv/map.hpp>
#include <hv/multiboot.hpp>

namespace hv {
namespace {

constexpr std::uint32_t magic1 = 0x2bad'b002, magic2 = 0x36d7'6289;

struct Info1 {
    std::uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
    std::uint32_t mmap_length, mmap_addr, drives_length, drives_addr, config_table, loader_name;
};
static_assert(sizeof(Info1) == 68);
enum Info1Flag : std::uint32_t { has_cmdline = 1u << 2, has_mods = 1u << 3, has_mmap = 1u << 6, has_name = 1u << 9 };

struct Module1 {
    std::uint32_t start, end, string, reserved;
};
struct [[gnu::packed]] Range1 {
    std::uint32_t size;
    std::uint64_t base, length;
    std::uint32_t type;
};
static_assert(sizeof(Range1) == 24);

struct Tag {
    std::uint32_t type, size;
};
enum TagType : std::uint32_t { tag_end = 0, tag_cmdline = 1, tag_loader = 2, tag_module = 3, tag_mmap = 6 };
struct [[gnu::packed]] Range2 {
    std::uint64_t base, length;
    std::uint32_t type, reserved;
};
static_assert(sizeof(Range2) == 24);

// Always ends with a NUL, however long the loader's text is.
void read_text(char *to, std::uint32_t bytes, std::uint64_t from, std::uint32_t limit)
{
    std::uint32_t n = 0;
    for (; n + 1 < bytes && n < limit; ++n) {
        read_machine(&to[n], from + n, 1);
        if (!to[n])
            break;
    }
    to[n] = 0;
}

void add_range(BootInfo &info, std::uint64_t base, std::uint64_t length, std::uint32_t type)
{
    if (info.range_count == BootInfo::max_ranges || length == 0 || base + length < base)
        return;
    info.ranges[info.range_count++] = {base, base + length, type};
}

void add_module(BootInfo &info, std::uint32_t start, std::uint32_t end, std::uint64_t text, std::uint32_t limit)
{
    if (info.module_count == BootInfo::max_modules || end < start)
        return;
    char *copy = info.module_text[info.module_count];
    read_text(copy, BootInfo::text_bytes, text, limit);
    info.modules[info.module_count++] = {start, end - start, copy};
}

void read_info1(BootInfo &info, std::uint32_t address)
{
    Info1 in;
    read_machine(&in, address, sizeof in);
    if (in.flags & has_cmdline)
        read_text(info.command_line, sizeof info.command_line, in.cmdline, ~0u);
    if (in.flags & has_name)
        read_text(info.loader, sizeof info.loader, in.loader_name, ~0u);
    for (std::uint32_t at = 0; (in.flags & has_mmap) && at + sizeof(Range1) <= in.mmap_length;) {
        Range1 range;
        read_machine(&range, in.mmap_addr + at, sizeof range);
        add_range(info, range.base, range.length, range.type);
        at += range.size + 4;
    }
    for (std::uint32_t i = 0; (in.flags & has_mods) && i < in.mods_count && i < BootInfo::max_modules; ++i) {
        Module1 module;
        read_machine(&module, in.mods_addr + i * sizeof module, sizeof module);
        add_module(info, module.start, module.end, module.string, ~0u);
    }
}

void read_memory_map(BootInfo &info, std::uint64_t at, std::uint32_t bytes)
{
    std::uint32_t entry_size;
    read_machine(&entry_size, at + 8, sizeof entry_size);
    if (entry_size < sizeof(Range2))
        return;
    for (std::uint32_t offset = 16; offset + entry_size <= bytes; offset += entry_size) {
        Range2 range;
        read_machine(&range, at + offset, sizeof range);
        add_range(info, range.base, range.length, range.type);
    }
}

void read_tag(BootInfo &info, Tag tag, std::uint64_t at)
{
    std::uint32_t range[2];
    switch (tag.type) {
    case tag_cmdline: read_text(info.command_line, sizeof info.command_line, at + 8, tag.size - 8); break;
    case tag_loader: read_text(info.loader, sizeof info.loader, at + 8, tag.size - 8); break;
    case tag_mmap: read_memory_map(info, at, tag.size); break;
    case tag_module:
        if (tag.size < 16)
            break;
        read_machine(range, at + 8, sizeof range);
        add_module(info, range[0], range[1], at + 16, tag.size - 16);
        break;
    default: break;
    }
}

void read_info2(BootInfo &info, std::uint32_t address)
{
    std::uint32_t total;
    read_machine(&total, address, sizeof total);
    for (std::uint32_t at = 8; at + sizeof(Tag) <= total;) {
        Tag tag;
        read_machine(&tag, address + at, sizeof tag);
        if (tag.type == tag_end || tag.size < sizeof tag)
            break;
        read_tag(info, tag, address + at);
        at += (tag.size + 7) & ~7u;
    }
}

}  // namespace

void read_machine(void *to, std::uint64_t from, std::uint32_t bytes)
{
    auto *out = static_cast<char *>(to);
    while (bytes) {
        std::uint32_t offset = page_offset(Maddr{from});
        std::uint32_t n = page_size - offset < bytes ? page_size - offset : bytes;
        __builtin_memcpy(out, Mapped<char>{to_mfn(Maddr{from})}.get() + offset, n);
        out += n;
        from += n;
        bytes -= n;
    }
}

Result<> read_multiboot(BootInfo &info, std::uint32_t magic, std::uint32_t information)
{
    if (magic == magic1)
        read_info1(info, information);
    else if (magic == magic2)
        read_info2(info, information);
    else
        return Error::inval;
    if (info.range_count == 0)
        return Error::nodata;
    return {};
}

// GRUB 2 passes arguments only; GRUB 0.9x ("GRUB 0...") and QEMU put the file name first.
char const *without_file_name(BootInfo const &info, char const *text)
{
    bool grub2 = __builtin_memcmp(info.loader, "GRUB ", 5) == 0 && info.loader[5] != '0';
    while (*text == ' ')
        ++text;
    if (grub2)
        return text;
    while (*text && *text != ' ')
        ++text;
    while (*text == ' ')
        ++text;
    return text;
}

}  // namespace hv
