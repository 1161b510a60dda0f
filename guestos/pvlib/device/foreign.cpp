// SPDX-License-Identifier: MIT
#include <arch/mmu.hpp>
#include <bit>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>
#include <pvlib/device/foreign.hpp>
#include <pvlib/device/hollow.hpp>
#include <pvlib/hypercall.hpp>

namespace pv {
namespace {
Vaddr linear_address(Pfn f) { return vaddr_of(kernel::frame_address(f)); }

gnttab_map_grant_ref map_operation(ForeignRef const &r, Pfn place)
{
    auto flags = GNTMAP_host_map | (r.access == Access::read_only ? GNTMAP_readonly : 0);
    return {linear_address(place).raw(), static_cast<std::uint32_t>(flags), r.ref, r.domain, GNTST_general_error, 0, 0};
}

// Places whose mapping the hypervisor does not take away are lost: they must not be used for anything else.
bool unmap_one(Pfn place, grant_handle_t handle)
{
    gnttab_unmap_grant_ref op{linear_address(place).raw(), 0, handle, GNTST_general_error};
    auto done = grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);
    arch::Mmu::set_machine(place, no_mfn);
    if (done.ok() && op.status == GNTST_okay)
        return true;
    kernel::log("<3>grants: the hypervisor refuses to unmap a page of another domain: status %d", op.status);
    return false;
}

Result<> take(ForeignPages::Layout layout, std::span<Pfn> places)
{
    if (layout == ForeignPages::Layout::scattered || places.size() == 1)
        return take_places(places);
    auto n = std::bit_ceil(static_cast<unsigned>(places.size()));
    auto first = TRY(take_places_in_a_row(static_cast<unsigned>(std::countr_zero(n))));
    for (unsigned i = 0; i < places.size(); ++i)
        places[i] = first + i;
    for (auto i = static_cast<unsigned>(places.size()); i < n; ++i) {
        auto rest = first + i;
        give_places({&rest, 1});
    }
    return {};
}
}  // namespace

Result<ForeignPages> ForeignPages::map(std::span<ForeignRef const> refs, Layout layout)
{
    auto n = static_cast<unsigned>(refs.size());
    if (n == 0 || n > most)
        return Error::inval;
    std::unique_ptr<gnttab_map_grant_ref[]> ops{new (std::nothrow) gnttab_map_grant_ref[n]};
    std::unique_ptr<Page[]> pages{new (std::nothrow) Page[n]};
    if (!ops || !pages)
        return Error::nomem;
    Pfn places[most];
    TRY(take(layout, {places, n}));
    for (unsigned i = 0; i < n; ++i)
        ops[i] = map_operation(refs[i], places[i]);
    auto called = grant_table_op(GNTTABOP_map_grant_ref, ops.get(), n);

    ForeignPages made;
    made.pages_ = std::move(pages);
    Result<> all = called;
    for (unsigned i = 0; i < n; ++i) {
        auto done = called.ok() ? grant_result(ops[i].status) : called;
        if (!done.ok()) {
            give_places({&places[i], 1});
            all = all.ok() ? done : all;
            continue;
        }
        arch::Mmu::set_machine(places[i], to_mfn(Maddr{ops[i].dev_bus_addr}));
        made.pages_[made.count_++] = {places[i], ops[i].handle};
    }
    if (!all.ok())
        return all.error();  // those that were mapped go with `made`
    return made;
}

void ForeignPages::unmap()
{
    for (unsigned i = 0; i < count_; ++i)
        if (unmap_one(pages_[i].frame, pages_[i].handle))
            give_places({&pages_[i].frame, 1});
    count_ = 0;
    pages_.reset();
}

void *ForeignPages::address(unsigned page) const { return kernel::frame_address(pages_[page].frame); }

Maddr ForeignPages::bus_address(unsigned page) const { return to_maddr(arch::Mmu::to_machine(pages_[page].frame)); }

// --- copies ---
Result<> grant_copy(std::span<gnttab_copy> copies)
{
    return grant_table_op(GNTTABOP_copy, copies.data(), static_cast<unsigned>(copies.size()));
}

void GrantCopy::from(domid_t other, grant_ref_t ref, std::uint16_t offset, void *local, std::uint32_t bytes)
{
    add(other, ref, offset, local, bytes, false);
}

void GrantCopy::to(domid_t other, grant_ref_t ref, std::uint16_t offset, void const *local, std::uint32_t bytes)
{
    add(other, ref, offset, local, bytes, true);
}

void GrantCopy::add(domid_t other, grant_ref_t ref, std::uint16_t offset, void const *local, std::uint32_t bytes,
                    bool to_foreign)
{
    if (offset > page_size || bytes > page_size - offset) {
        error_ = error_ == Error::none ? Error::inval : error_;
        return;
    }
    auto at = vaddr_of(local);
    while (bytes) {
        auto inside = page_offset(at);
        auto n = page_size - inside < bytes ? page_size - inside : bytes;
        if (used_ == most)
            flush();
        gnttab_copy_ptr foreign{{ref}, other, offset};
        gnttab_copy_ptr ours{{arch::Mmu::to_machine(kernel::frame_of_address(pointer_to<void>(at))).raw()},
                             DOMID_SELF,
                             static_cast<std::uint16_t>(inside)};
        auto &c = copies_[used_++];
        c = {to_foreign ? ours : foreign, to_foreign ? foreign : ours, static_cast<std::uint16_t>(n),
             static_cast<std::uint16_t>(to_foreign ? GNTCOPY_dest_gref : GNTCOPY_source_gref), GNTST_general_error};
        at += n;
        offset = static_cast<std::uint16_t>(offset + n);
        bytes -= n;
    }
}

void GrantCopy::flush()
{
    if (!used_)
        return;
    auto called = grant_copy({copies_, used_});
    for (unsigned i = 0; i < used_ && error_ == Error::none; ++i) {
        auto done = called.ok() ? grant_result(copies_[i].status) : called;
        if (!done.ok())
            error_ = done.error();
    }
    used_ = 0;
}

Result<> GrantCopy::run()
{
    flush();
    auto e = std::exchange(error_, Error::none);
    return e == Error::none ? Result<>{} : Result<>{e};
}
}  // namespace pv
