// SPDX-License-Identifier: MIT
// Names for a kernel's addresses: from its symbol table or, where that was stripped, from the section .symbols that our own kernels
// have for their backtraces (tools/embed-symbols).
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>

class Symbols {
public:
    Symbols() = default;
    // An ELF file's bytes; no names if they make no sense.
    explicit Symbols(std::span<std::uint8_t const> file);
    // "main+0x12", or "" for an address in nothing that has a name.
    std::string name(std::uint32_t address) const;
    bool empty() const { return names_.empty(); }
    bool is_code(std::uint32_t address) const;  // inside of the functions' range

private:
    std::map<std::uint32_t, std::string> names_;
    std::uint32_t end_ = 0;
};
