// SPDX-License-Identifier: MIT
#include <drivers/xendev/foreign_region.hpp>
#include <kernel/process/process.hpp>

namespace xendev {
namespace {
class ForeignRegion final : public kernel::MemoryObject {
public:
    Result<Pfn> page(std::uint32_t, bool) override { return Error::io; }
    bool is_device() const override { return true; }
    void detach(arch::PageTables &tables, Vaddr start, Vaddr end, std::uint32_t) override
    {
        tables.unmap_device(start, end);
    }
    char const *name() const override { return "/dev/xen/privcmd"; }
};
}  // namespace

Result<Ref<kernel::MemoryObject>> make_foreign_region()
{
    return Ref<kernel::MemoryObject>{TRY(kernel::make_ref<ForeignRegion>())};
}

Result<ForeignMapping> ForeignMapping::in_current(kernel::File const &file, Vaddr at, std::uint32_t pages, domid_t owner)
{
    auto &memory = *kernel::current().memory;
    auto region = memory.regions().find(at);
    if (page_offset(at) != 0 || !region || !region->has(kernel::Region::device) || region->file.get() != &file)
        return Error::inval;
    if (pages > (region->end - at) >> page_shift)
        return Error::inval;
    ForeignMapping m;
    m.tables_ = &memory.device_tables();
    m.at_ = at;
    m.protection_ = region->prot;
    m.owner_ = owner;
    return m;
}

void ForeignMapping::add(std::uint32_t page, Mfn frame)
{
    if (used_ == batch) {
        auto done = finish();
        first_error_ = done.ok() ? Error::none : done.error();
    }
    auto slot = tables_->device_slot(at_ + (page << page_shift));
    errors_[used_] = slot.ok() ? Error::none : slot.error();
    auto where = slot.ok() ? slot.value().raw() | MMU_NORMAL_PT_UPDATE : 0;
    updates_[used_++] = {where, arch::PageTables::device_entry(frame, protection_).raw()};
}

// The hypervisor stops at the first that it refuses: that one is noted and left out.
void ForeignMapping::run(Error (&errors)[batch])
{
    for (unsigned i = 0; i < used_;) {
        if (errors_[i] != Error::none) {
            ++i;
            continue;
        }
        unsigned n = 0, done = 0;
        while (i + n < used_ && errors_[i + n] == Error::none)
            ++n;
        auto called = pv::mmu_update(updates_ + i, n, done, owner_);
        if (!called.ok() && done < n)
            errors_[i + done++] = called.error();
        i += done ? done : n;
    }
    for (unsigned i = 0; i < used_; ++i)
        errors[i] = errors_[i];
    used_ = 0;
}

Result<> ForeignMapping::finish()
{
    Error errors[batch];
    auto n = used_;
    run(errors);
    for (unsigned i = 0; i < n && first_error_ == Error::none; ++i)
        first_error_ = errors[i];
    auto e = std::exchange(first_error_, Error::none);
    return e == Error::none ? Result<>{} : Result<>{e};
}
}  // namespace xendev
