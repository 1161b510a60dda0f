// SPDX-License-Identifier: MIT
// A paravirtual kernel as an ELF file with Xen's notes (include/pv/elfnote.h): what the builder of a domain needs to know of it.
// The file is hostile until parse_kernel has accepted it: every offset and size is checked against the file's end.
#pragma once
#include <cstdint>
#include <lib/result.hpp>

// The file's bytes, wherever they are.
class KernelBytes {
public:
    // False: some of them lie beyond the end.
    [[nodiscard]] virtual bool read(void *to, std::uint64_t offset, std::uint32_t bytes) const = 0;
    virtual std::uint32_t size() const = 0;

protected:
    ~KernelBytes() = default;
};

struct KernelSegment {
    std::uint32_t address;  // where the guest sees it
    std::uint32_t file_offset, file_bytes;
    std::uint32_t bytes;  // the rest is zero
};

struct KernelImage {
    static constexpr unsigned max_segments = 16;
    KernelSegment segments[max_segments];
    unsigned segment_count;
    std::uint32_t virt_base;   // of pseudo-physical frame 0
    std::uint32_t start, end;  // the segments' extent
    std::uint32_t entry;
    std::uint32_t hypercall_page;  // 0: none wanted
    bool initrd_by_frame;          // the initrd need not be mapped
    char guest_os[32];
};

enum class KernelRole { control_domain, guest };

// On an error `message` says in a clause what is wrong with the file.
Result<> parse_kernel(KernelBytes const &, KernelRole, KernelImage &, char const **message);
