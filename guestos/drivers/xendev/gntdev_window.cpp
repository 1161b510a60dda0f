// SPDX-License-Identifier: MIT
// Granted pages in a program's page tables. The hypervisor writes the entries itself, both when a grant is mapped and when it is
// unmapped: an entry that we emptied would leave the granter's page in use for ever.
#include <cstring>
#include <drivers/xendev/gntdev.hpp>
#include <kernel/log.hpp>
#include <kernel/process/process.hpp>
#include <pv/features.h>
#include <pvlib/device/foreign.hpp>
#include <pvlib/hypercall.hpp>
#include <pvlib/hypervisor.hpp>

namespace xendev {
namespace {
constexpr unsigned batch = 16;

// Bits 16.. of the flags are the entry's three bits of the guest's own: device_entry()'s mark must be among them.
std::uint32_t flags_of_entry(std::uint8_t protection)
{
    constexpr unsigned first_own_bit = 9;
    auto own = static_cast<std::uint32_t>(arch::PageTables::device_entry(Mfn{0}, protection).raw() >> first_own_bit & 7);
    bool writable = (protection & arch::prot_write) != 0;
    return GNTMAP_host_map | GNTMAP_application_map | GNTMAP_contains_pte | (writable ? 0 : GNTMAP_readonly)
        | own << _GNTMAP_guest_avail0;
}

class GrantWindow final : public kernel::MemoryObject {
public:
    ~GrantWindow() override
    {
        if (map_)
            map_->in_window = false;
    }
    bool is_device() const override { return true; }
    Result<Pfn> page(std::uint32_t, bool) override { return Error::io; }
    Result<> attach(kernel::AddressSpace &, kernel::Region const &) override;
    void detach(arch::PageTables &, Vaddr start, Vaddr end, std::uint32_t first) override;
    char const *name() const override { return window_name; }
    Ref<GrantMap> const &map() const { return map_; }
    static constexpr char window_name[] = "/dev/xen/gntdev";

private:
    Result<> map_some(arch::PageTables &, Vaddr, std::uint32_t first, unsigned n, std::uint32_t flags);
    void clear_byte(std::uint32_t first, std::uint32_t end);
    Ref<GrantMap> map_;
};

Result<> GrantWindow::map_some(arch::PageTables &tables, Vaddr at, std::uint32_t first, unsigned n, std::uint32_t flags)
{
    gnttab_map_grant_ref ops[batch];
    for (unsigned i = 0; i < n; ++i) {
        auto const &r = map_->refs[first + i];
        if (r.domid > DOMID_FIRST_RESERVED)
            return Error::inval;
        auto slot = TRY(tables.device_slot(at + (i << page_shift)));
        ops[i] = {slot.raw(), flags, r.ref, static_cast<domid_t>(r.domid), GNTST_general_error, 0, 0};
    }
    TRY(pv::grant_table_op(GNTTABOP_map_grant_ref, ops, n));
    Result<> all{};
    for (unsigned i = 0; i < n; ++i) {
        auto done = pv::grant_result(ops[i].status);
        if (done.ok())
            map_->handles[first + i] = ops[i].handle;
        else if (all.ok())
            all = done;
    }
    return all;
}

Result<> GrantWindow::attach(kernel::AddressSpace &memory, kernel::Region const &r)
{
    if (!pv::has_feature(XENFEAT_gnttab_map_avail_bits))
        return Error::nosys;  // the entries could not be told from others
    auto map = static_cast<GntdevFile &>(*r.file).find(r.first_index, r.pages());
    if (!map || map->in_window)
        return Error::inval;
    map_ = std::move(map);
    map_->in_window = true;
    map_->writable = (r.prot & arch::prot_write) != 0;
    auto &tables = memory.device_tables();
    auto flags = flags_of_entry(r.prot);
    for (std::uint32_t i = 0; i < r.pages(); i += batch) {
        auto n = r.pages() - i < batch ? r.pages() - i : batch;
        auto mapped = map_some(tables, r.start + (i << page_shift), i, n, flags);
        if (!mapped.ok())
            return mapped.error() == Error::nomem ? Error::nomem : Error::inval;  // what was mapped goes by detach()
    }
    return {};
}

// Written by a copy: the page tables may not be the running ones.
void GrantWindow::clear_byte(std::uint32_t first, std::uint32_t end)
{
    auto page = map_->notify.offset >> page_shift;
    if (!map_->notify.clears() || page < first || page >= end)
        return;
    static constinit char zero = 0;
    auto const &r = map_->refs[page];
    pv::GrantCopy copy;
    copy.to(static_cast<domid_t>(r.domid), r.ref, static_cast<std::uint16_t>(page_offset(Vaddr{map_->notify.offset})),
            &zero, 1);
    (void)copy.run();  // the granter may have ended the grant for others than its holders
    map_->notify.action &= ~static_cast<std::uint32_t>(UNMAP_NOTIFY_CLEAR_BYTE);
}

void GrantWindow::detach(arch::PageTables &tables, Vaddr start, Vaddr end, std::uint32_t first)
{
    if (!map_)
        return;
    auto offset = first - map_->index;
    clear_byte(offset, offset + ((end - start) >> page_shift));
    struct Walk {
        GrantMap &map;
        Vaddr start;
        std::uint32_t first;
    } walk{*map_, start, offset};
    auto unmap = [](void *context, Vaddr v, Maddr slot, Mfn) {
        auto &w = *static_cast<Walk *>(context);
        auto &handle = w.map.handles[w.first + ((v - w.start) >> page_shift)];
        gnttab_unmap_grant_ref op{slot.raw(), 0, handle, GNTST_general_error};
        auto done = pv::grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);
        if (!done.ok() || op.status != GNTST_okay)
            kernel::log("<3>gntdev: the hypervisor refuses to unmap a grant: status %d", op.status);
        handle = GrantMap::not_mapped;
    };
    tables.for_each_device(start, end, unmap, &walk);
    tables.unmap_device(start, end);  // nothing is left, unless it refused
}
}  // namespace

Result<Ref<kernel::MemoryObject>> make_grant_window()
{
    return Ref<kernel::MemoryObject>{TRY(kernel::make_ref<GrantWindow>())};
}

Ref<GrantMap> map_of_window(Vaddr start)
{
    auto region = kernel::current().memory->regions().find(start);
    if (!region || region->start != start || !region->object || region->object->name() != GrantWindow::window_name)
        return {};
    return static_cast<GrantWindow &>(*region->object).map();
}
}  // namespace xendev
