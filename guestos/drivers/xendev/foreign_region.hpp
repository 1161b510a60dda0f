// SPDX-License-Identifier: MIT
// Frames of other domains in a program's address space: device memory (kernel::MemoryObject::is_device), whose entries the
// hypervisor validates against the domain that owns the frame. mmap(2) makes the empty region, ioctls fill it.
#pragma once
#include <kernel/fs/file.hpp>
#include <kernel/memory/address_space.hpp>
#include <pvlib/hypercall.hpp>

namespace xendev {
using kernel::Ref;
Result<Ref<kernel::MemoryObject>> make_foreign_region();

// Fills pages of one region in batches of hypercalls:
//
//   auto m = TRY(ForeignMapping::in_current(file, at, pages, domain));
//   m.add(0, frame) ... m.run(errors)       // up to `batch` pages, an error for each
//   m.add(1, frame) ... TRY(m.finish());    // any number, the first error
class ForeignMapping {
public:
    static constexpr unsigned batch = 32;
    // [at, at + pages) must lie in one region of the running process that `file` made. Error::inval.
    static Result<ForeignMapping> in_current(kernel::File const &file, Vaddr at, std::uint32_t pages, domid_t owner);
    void add(std::uint32_t page,
             Mfn);  // page: < pages, from `at` on. run() or finish() follow after at most `batch`, or it runs them
    void run(Error (&errors)[batch]);  // in the order of add(); Error::none is none
    Result<> finish();

private:
    ForeignMapping() = default;
    arch::PageTables *tables_ = nullptr;
    Vaddr at_{};
    std::uint8_t protection_ = 0;
    domid_t owner_ = 0;
    mmu_update updates_[batch];
    Error errors_[batch];
    unsigned used_ = 0;
    Error first_error_ = Error::none;
};
}  // namespace xendev
