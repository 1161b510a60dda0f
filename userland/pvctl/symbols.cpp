// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <cxxabi.h>
#include <elf.h>
#include <memory>
#include <userland/pvctl/symbols.hpp>
#include <vector>

namespace {
class ElfFile {
public:
    explicit ElfFile(std::span<std::uint8_t const> bytes) : bytes_{bytes} {}

    template <class T>
    bool read(T &to, std::uint64_t offset) const
    {
        if (offset > bytes_.size() || sizeof(T) > bytes_.size() - offset)
            return false;
        std::memcpy(&to, bytes_.data() + static_cast<std::size_t>(offset), sizeof(T));
        return true;
    }
    std::string text(std::uint64_t offset) const
    {
        std::string text;
        for (auto at = static_cast<std::size_t>(std::min<std::uint64_t>(offset, bytes_.size()));
             at < bytes_.size() && bytes_[at] && text.size() < 200; ++at)
            text += static_cast<char>(bytes_[at]);
        return text;
    }
    std::vector<Elf32_Shdr> sections() const
    {
        Elf32_Ehdr header;
        std::vector<Elf32_Shdr> sections;
        if (!read(header, 0) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
            return {};
        Elf32_Shdr section;
        for (unsigned i = 0; i < header.e_shnum && read(section, std::uint64_t{header.e_shoff} + i * sizeof section); ++i)
            sections.push_back(section);
        names_ = header.e_shstrndx < sections.size() ? sections[header.e_shstrndx].sh_offset : 0;
        return sections;
    }
    std::string section_name(Elf32_Shdr const &s) const { return text(std::uint64_t{names_} + s.sh_name); }

private:
    std::span<std::uint8_t const> bytes_;
    mutable std::uint32_t names_ = 0;
};

std::string readable(std::string const &name)
{
    int status;
    std::unique_ptr<char, void (*)(void *)> text{abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), std::free};
    return status == 0 ? std::string{text.get()} : name;
}
}  // namespace

Symbols::Symbols(std::span<std::uint8_t const> bytes)
{
    ElfFile file{bytes};
    auto sections = file.sections();
    for (auto const &s : sections) {
        Elf32_Sym symbol;
        if (s.sh_type != SHT_SYMTAB || s.sh_link >= sections.size())
            continue;
        for (std::uint32_t at = 0; at + sizeof symbol <= s.sh_size; at += sizeof symbol)
            if (file.read(symbol, std::uint64_t{s.sh_offset} + at) && symbol.st_shndx < sections.size()
                && (sections[symbol.st_shndx].sh_flags & SHF_EXECINSTR) && ELF32_ST_TYPE(symbol.st_info) <= STT_FUNC) {
                names_.emplace(symbol.st_value,
                               readable(file.text(std::uint64_t{sections[s.sh_link].sh_offset} + symbol.st_name)));
                end_ = std::max(end_, symbol.st_value + symbol.st_size);
            }
    }
    for (auto const &s : sections) {
        std::uint32_t count = 0, entry[2];
        if (!names_.empty() || file.section_name(s) != ".symbols" || !file.read(count, s.sh_offset))
            continue;
        for (std::uint32_t i = 0; i < count && i < s.sh_size / sizeof entry; ++i)
            if (file.read(entry, std::uint64_t{s.sh_offset} + 4 + i * sizeof entry))
                names_.emplace(entry[0], file.text(std::uint64_t{s.sh_offset} + entry[1]));
        end_ = names_.empty() ? 0 : names_.rbegin()->first + 4096;
    }
}

bool Symbols::is_code(std::uint32_t address) const
{
    return !names_.empty() && address >= names_.begin()->first && address < end_;
}

std::string Symbols::name(std::uint32_t address) const
{
    if (!is_code(address))
        return {};
    auto at = std::prev(names_.upper_bound(address));
    char offset[16];
    std::snprintf(offset, sizeof offset, "+0x%x", address - at->first);
    return at->second + (address == at->first ? "" : offset);
}
