// SPDX-License-Identifier: MIT
// fork(2): the child gets the same regions and, where a page cannot be made again from its region, the same frames.
#include <cstring>
#include <kernel/fs/file.hpp>
#include <kernel/memory/address_space_detail.hpp>

namespace kernel {
namespace {
// Pages of files come back by themselves on the first touch, several at a time, and most children exec before they need many: of each
// mapping only some go along, of those that the parent has touched.
constexpr std::uint32_t most_file_pages = 12;

bool pages_must_be_shared(Region const &r) { return !r.object || r.has(Region::private_pages); }
}  // namespace

Result<> AddressSpace::fork_region(AddressSpace &child, Region const &r)
{
    if (r.has(Region::dont_fork))
        return {};
    auto copy = TRY(r.clone(r.start, r.end));
    copy->space = &child;
    copy->flags = static_cast<std::uint16_t>(copy->flags & ~Region::locked);
    child.regions_.insert(*copy);
    child.total_pages_ += copy->pages();
    if (is_private_writable(*copy))
        child.data_pages_ += copy->pages();
    if (r.has(Region::shared) || r.has(Region::wipe_on_fork))
        return {};
    return tables_.share(
        child.tables_, r.start, r.end, true, [](void *, Pfn frame) { ref_frame(frame); }, nullptr,
        pages_must_be_shared(r) ? ~0u : most_file_pages);
}

// Only of memory that a program writes without a fault now; anything else comes as it does anyway.
Result<> AddressSpace::copy_page(AddressSpace &child, Vaddr address)
{
    auto page = page_floor(address);
    auto r = regions_.find(page);
    arch::Mapping mine, theirs;
    if (!r || !is_private_writable(*r) || r->has(Region::dont_fork) || r->has(Region::wipe_on_fork))
        return {};
    if (!tables_.lookup(page, mine) || !(mine.protection & arch::prot_write) || child.tables_.lookup(page, theirs))
        return {};
    auto copy = TRY(allocate_user_frame(false));
    std::memcpy(frame_address(copy), frame_address(mine.frame), page_size);
    auto mapped = child.tables_.map(page, copy, mine.protection);
    if (!mapped.ok()) {
        unref_frame(copy);
        return mapped;
    }
    return child.tables_.commit();
}

Result<Ref<AddressSpace>> AddressSpace::fork(std::span<Vaddr const> hot)
{
    auto child = TRY(create());
    Result<> result{};
    for (auto address : hot)
        TRY(copy_page(*child, address));
    for (auto r = regions_.first(); r && result.ok(); r = regions_.next(*r))
        result = fork_region(*child, *r);
    // Also after an error: write permission that was taken away here must leave the TLB.
    auto ours = tables_.commit();
    if (result.ok())
        result = ours;
    if (result.ok())
        result = child->tables_.commit();
    if (!result.ok())
        return result.error();
    child->start_code = start_code, child->end_code = end_code;
    child->start_data = start_data, child->end_data = end_data;
    child->start_break = start_break, child->break_ = break_;
    child->arg_start = arg_start, child->arg_end = arg_end;
    child->env_start = env_start, child->env_end = env_end;
    child->start_stack = start_stack;
    child->mmap_top = mmap_top;
    if (executable)
        TRY(child->run(executable));
    return child;
}
}  // namespace kernel
