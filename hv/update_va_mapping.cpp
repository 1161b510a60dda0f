// SPDX-License-Identifier: MIT
// update_va_mapping: one L1 entry by the address it maps, with the flush that usually follows.
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/layout.hpp>
#include <hv/memory.hpp>
#include <hv/mmu.hpp>
#include <hv/tlb.hpp>
#include <hv/walk.hpp>

namespace hv {
namespace {

// One physical processor: what is flushed here is flushed for all vCPUs of the set. The set is still read, since a bad
// pointer is an error.
Result<> flush(std::uint32_t flags, std::uint32_t address)
{
    std::uint32_t target = flags & ~static_cast<std::uint32_t>(UVMF_FLUSHTYPE_MASK);
    std::uint32_t vcpus;
    switch (flags & UVMF_FLUSHTYPE_MASK) {
    case UVMF_NONE: return {};
    case UVMF_TLB_FLUSH:
    case UVMF_INVLPG: break;
    default: return {};
    }
    if (target != UVMF_LOCAL && target != UVMF_ALL && !read_guest(vcpus, target))
        return Error::fault;
    ++current_domain().counters.tlb_flushes;
    if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_TLB_FLUSH)
        flush_tlb();
    else
        flush_tlb_page(address);
    return {};
}

std::int32_t update(std::uint32_t address, Pte value, std::uint32_t flags, EntryOwners owners)
{
    LockGuard guard{mmu_lock};
    if (!finish_unfinished(current()).ok())
        return continue_hypercall({});
    auto walk = walk_guest_tables(current(), address);
    if (!walk.ok())
        return to_errno(Result<>{Error::inval});
    Frame &l1 = frame_of(walk.value().l1);
    if (Result<> r = update_l1(l1, walk.value().index, value, owners, false); !r.ok())
        return to_errno(r);
    ++current_domain().counters.mmu_entries;
    return to_errno(flush(flags, address));
}

}  // namespace

std::int32_t do_update_va_mapping(std::uint32_t address, std::uint32_t low, std::uint32_t high, std::uint32_t flags)
{
    Domain &d = current_domain();
    return update(address, Pte{std::uint64_t{high} << 32 | low}, flags, {&d, &d});
}

std::int32_t do_update_va_mapping_otherdomain(std::uint32_t address, std::uint32_t low, std::uint32_t high,
                                              std::uint32_t flags, std::uint32_t domain)
{
    auto owner = named_domain(domain);
    if (!owner.ok())
        return to_errno(Result<>{owner.error()});
    if (!owner.value() && !current_domain().privileged)
        return to_errno(Result<>{Error::perm});
    return update(address, Pte{std::uint64_t{high} << 32 | low}, flags, {&current_domain(), owner.value()});
}

}  // namespace hv
