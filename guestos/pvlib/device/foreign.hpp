// SPDX-License-Identifier: MIT
// Using frames that another domain granted: mapped into the kernel, or copied from and to by the hypervisor.
//
// A mapped frame takes the place of one of ours in the linear map. Ours gives its machine memory back for that time ("hollow",
// hollow.hpp), so it has a Pfn, a kernel address and a machine address like any frame, and can be handed to the block layer, to a
// network stack, or to a device's DMA:
//
//     Pfn p --- linear address ---> machine frame m of the other domain
//      `------- arch::Mmu::to_machine(p) == m, bus_address() == m << 12
//
// What must not be done with it: map it into a process, free it, or keep it beyond its ForeignPages. The other end can write to it
// at any time unless it was granted read-only: copy once, then check, then use the copy.
#pragma once
#include <cstdint>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <memory>
#include <pv/grant_table.h>
#include <pvlib/device/grant.hpp>
#include <span>
#include <utility>

namespace pv {
struct ForeignRef {
    domid_t domain;
    grant_ref_t ref;
    Access access;
};

class ForeignPages {
public:
    static constexpr unsigned most = 32;
    enum class Layout {
        scattered,   // each page at an address of its own: requests' data; cheap, from a pool
        contiguous,  // addresses in a row: rings of several pages
    };
    ForeignPages() = default;
    // All or nothing, in one hypercall. Errors: those of grant_result(); Error::nomem; Error::inval: none or more than `most`.
    // May block for memory. Not in interrupt handlers.
    static Result<ForeignPages> map(std::span<ForeignRef const>, Layout = Layout::scattered);
    ForeignPages(ForeignPages &&other) noexcept
        : pages_{std::move(other.pages_)}, count_{std::exchange(other.count_, 0)}
    {
    }
    ForeignPages &operator=(ForeignPages &&other) noexcept
    {
        std::swap(pages_, other.pages_);
        std::swap(count_, other.count_);
        return *this;
    }
    ~ForeignPages() { unmap(); }
    void unmap();  // nothing may use the pages any more: DMA is over

    explicit operator bool() const { return count_ != 0; }
    unsigned count() const { return count_; }
    void *address(unsigned page = 0) const;
    Pfn frame(unsigned page = 0) const { return pages_[page].frame; }
    Maddr bus_address(unsigned page = 0) const;

private:
    struct Page {
        Pfn frame;
        grant_handle_t handle;
    };
    std::unique_ptr<Page[]> pages_;
    unsigned count_ = 0;
};

// Copies between our frames and granted ones, as many in one hypercall as fit. Each copy lies within one granted frame; on our
// side it may cross frames, the batch splits it.
//
//   GrantCopy batch;
//   batch.from(domain, ref, offset, buffer, n);
//   batch.to(domain, ref, offset, buffer, n);
//   auto done = batch.run();                    // the first failure, if there was one
class GrantCopy {
public:
    static constexpr unsigned most = 32;
    // `local` is in the linear map (heap, frames). offset + bytes <= page_size, else run() gives Error::inval. A full batch is
    // run at once; its failures are kept for run().
    void from(domid_t, grant_ref_t, std::uint16_t offset, void *local, std::uint32_t bytes);
    void to(domid_t, grant_ref_t, std::uint16_t offset, void const *local, std::uint32_t bytes);
    Result<> run();

private:
    void add(domid_t, grant_ref_t, std::uint16_t offset, void const *local, std::uint32_t bytes, bool to_foreign);
    void flush();
    gnttab_copy copies_[most];
    unsigned used_ = 0;
    Error error_ = Error::none;
};
// The call itself, for those who want each element's status (GNTST_*, in place). Machine frames on our side: arch::Mmu::to_machine.
Result<> grant_copy(std::span<gnttab_copy>);
}  // namespace pv
