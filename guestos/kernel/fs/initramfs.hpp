// SPDX-License-Identifier: MIT
// Unpacks the initial file system: cpio archives (newc), plain or gzip'd, one after the other.
#pragma once
#include <cstddef>
#include <cstdint>
#include <lib/result.hpp>
#include <span>

namespace kernel {
struct InitramfsReport {
    std::uint32_t files = 0;       // entries made
    std::uint64_t bytes = 0;       // of file data
    std::size_t at = 0;            // how far into the image it came
    char const *format = nullptr;  // a compression we lack: its name
};
// Into the root file system. Error::nodata: the image is cut short; badmsg: damaged or no archive; opnotsupp: see `format`;
// nomem, nospc: it does not fit into memory.
Result<> unpack_initramfs(std::span<std::uint8_t const> image, InitramfsReport &);
}  // namespace kernel
