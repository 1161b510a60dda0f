// SPDX-License-Identifier: MIT
// /dev/xen/gntdev: pages that other domains granted, in a program's memory, and copies from and to them. include/pv/sys/gntdev.h.
//
//   MAP_GRANT_REF --> GrantMap: references, at an index     nothing is mapped yet
//   mmap(2) of the index --> GrantWindow                    one hypercall puts the entries; a failure is mmap's
//   munmap(2), exit --> unmapped by grant, page by page     only so the granter's page becomes free again
//   UNMAP_GRANT_REF --> the index is free; what is mapped stays mapped
#pragma once
#include <drivers/xendev/unmap_notify.hpp>
#include <drivers/xendev/xendev.hpp>
#include <kernel/memory/address_space.hpp>
#include <memory>
#include <pv/sys/gntdev.h>

namespace xendev {
struct GrantMap final : kernel::RefCounted {
    static constexpr std::uint32_t most_pages = 1024;
    static constexpr grant_handle_t not_mapped = ~0u;
    std::uint32_t index = 0, count = 0;  // pages
    std::unique_ptr<ioctl_gntdev_grant_ref[]> refs;
    std::unique_ptr<grant_handle_t[]> handles;
    bool in_window = false, writable = false;
    UnmapNotify notify;
    GrantMap *next = nullptr;  // the file's list

    ~GrantMap() override { notify.send(); }
    static Result<Ref<GrantMap>> make(std::uint32_t count);
};

class GntdevFile final : public File {
public:
    using File::File;
    ~GntdevFile() override;
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
    Result<Ref<kernel::MemoryObject>> memory_object() override;
    Ref<GrantMap> find(std::uint32_t index, std::uint32_t count) const;

private:
    Result<std::int32_t> map(std::uint32_t argument);
    Result<std::int32_t> unmap(std::uint32_t argument);
    Result<std::int32_t> offset_of(std::uint32_t argument) const;
    Result<std::int32_t> set_notify(std::uint32_t argument);
    std::uint32_t free_index(std::uint32_t count) const;
    GrantMap *maps_ = nullptr;  // by index; each with a reference of ours
};

// gntdev_window.cpp
Result<Ref<kernel::MemoryObject>> make_grant_window();
// The map that a region of the running process shows, or null.
Ref<GrantMap> map_of_window(Vaddr start);
// gntdev_copy.cpp: IOCTL_GNTDEV_GRANT_COPY.
Result<> copy_segments(std::uint32_t argument);
}  // namespace xendev
