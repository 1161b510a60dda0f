// SPDX-License-Identifier: MIT
// A kernel's file, unpacked: an ELF file, plain, in gzip or bzip2, or the same inside of a Linux bzImage.
#pragma once
#include <cstdint>
#include <lib/pv/kernel_image.hpp>
#include <span>
#include <string>
#include <userland/common/mapping.hpp>
#include <vector>

class KernelFile final : public KernelBytes {
public:
    // Failure: the file cannot be read, or is packed in a way that nobody here can unpack.
    explicit KernelFile(std::string const &path);
    bool read(void *to, std::uint64_t offset, std::uint32_t bytes) const override;
    std::uint32_t size() const override { return static_cast<std::uint32_t>(bytes_.size()); }
    std::span<std::uint8_t const> bytes() const { return bytes_; }

private:
    Mapping file_;
    std::vector<std::uint8_t> unpacked_;
    std::span<std::uint8_t const> bytes_;  // of one of the two
};

// A whole file, read-only. Failure: says why not.
Mapping map_file(std::string const &path);
