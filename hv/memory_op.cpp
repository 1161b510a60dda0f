// SPDX-License-Identifier: MIT
// memory_op: how much memory a domain has, and what the machine's looks like.
//
// The calls on extents take the number of extents already done in the upper bits of `cmd`, as Xen does, so that a preempted call goes on
// where it stopped; they return how many are done in all.
#include <hv/boot.hpp>
#include <hv/cpu.hpp>
#include <hv/frames.hpp>
#include <hv/grant.hpp>
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/memory.hpp>
#include <hv/memory_op.hpp>
#include <hv/mmu.hpp>
#include <pv/memory.h>

namespace hv {
namespace {

// Extents larger than this are for the control domain.
unsigned max_order_for(Domain const &d) { return d.privileged ? max_frame_order : 9; }

Result<> give_extent(Reservation const &r, std::uint32_t gpfn, std::uint32_t slot)
{
    Mfn first = TRY(allocate_extent(r));
    if (r.populate)
        for (std::uint32_t i = 0; i < 1u << r.extent_order; ++i)
            set_m2p(first + i, gpfn + i);
    if (!write_guest(slot, first.raw()))
        return Error::fault;
    return {};
}

Result<> take_extent(Reservation const &r, std::uint32_t mfn)
{
    if (mfn & ((1u << r.extent_order) - 1) || mfn + (1u << r.extent_order) < mfn)
        return Error::inval;
    for (std::uint32_t i = 0; i < 1u << r.extent_order; ++i)
        TRY(release_frame(Mfn{mfn + i}, *r.owner));
    return {};
}

Result<> one_extent(Reservation const &r, bool give, std::uint32_t i)
{
    std::uint32_t slot = r.list + i * 4, frame = 0;
    bool has_input = !give || r.populate;
    if (r.list && has_input && !read_guest(frame, slot))
        return Error::fault;
    return give ? give_extent(r, frame, slot) : take_extent(r, frame);
}

std::int32_t do_reservation(unsigned op, std::uint32_t start, std::uint32_t arg)
{
    auto parsed = read_reservation(arg);
    if (!parsed.ok())
        return parsed.error() == Error::nomem ? static_cast<std::int32_t>(start) : to_errno(Result<>{parsed.error()});
    Reservation r = parsed.value();
    bool give = op != XENMEM_decrease_reservation;
    r.populate = op == XENMEM_populate_physmap;
    if (r.extent_order > max_order_for(current_domain()) || start > r.extents)
        return static_cast<std::int32_t>(start);
    for (std::uint32_t i = start; i < r.extents; ++i) {
        if (i != start && preempt_requested())
            return continue_hypercall({op | i << memory_op_start_shift});
        if (!one_extent(r, give, i).ok())
            return static_cast<std::int32_t>(i);
        count_work(1u << r.extent_order);
    }
    return static_cast<std::int32_t>(r.extents);
}

Result<Domain *> domain_argument(std::uint32_t arg)
{
    domid_t id;
    if (!read_guest(id, arg))
        return Error::fault;
    Domain *d = TRY(named_domain(id));
    if (!d)
        return Error::srch;
    return d;
}

std::int32_t domain_question(unsigned op, std::uint32_t arg)
{
    auto d = domain_argument(arg);
    if (!d.ok())
        return to_errno(Result<>{d.error()});
    switch (op) {
    case XENMEM_current_reservation: return static_cast<std::int32_t>(d.value()->total_pages);
    case XENMEM_maximum_reservation: return static_cast<std::int32_t>(d.value()->max_pages & 0x7fff'ffff);
    default: return static_cast<std::int32_t>(d.value()->shared->arch.max_pfn - 1);
    }
}

// The control domain maps another's grant table: the toolstack fills its first entries.
Result<> acquire_resource(std::uint32_t arg)
{
    xen_mem_acquire_resource op;
    if (!read_guest(op, arg))
        return Error::fault;
    Domain *d = TRY(named_domain(op.domid));
    if (!current_domain().privileged || d == &current_domain())
        return Error::perm;
    bool grants = op.type == XENMEM_resource_grant_table && op.id == XENMEM_resource_grant_table_id_shared;
    if (!d || !grants || op.pad)
        return Error::inval;
    auto list = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(op.frame_list));
    if (!list) {
        op.nr_frames = d->grants->frame_limit;
        return write_guest(arg, op) ? Result<>{} : Result<>{Error::fault};
    }
    if (op.frame >= grant_frame_limit || op.nr_frames > grant_frame_limit - op.frame)
        return Error::inval;
    for (std::uint32_t i = 0; i < op.nr_frames; ++i) {
        Mfn mfn = TRY(grant_frame(*d, static_cast<unsigned>(op.frame) + i));
        if (!write_guest(list + i * 4, mfn.raw()))
            return Error::fault;
    }
    return {};
}

std::int32_t machphys_mapping(std::uint32_t arg)
{
    xen_machphys_mapping out{guest_m2p_start, guest_m2p_start + m2p_bytes, (m2p_bytes >> 2) - 1};
    return write_guest(arg, out) ? 0 : to_errno(Result<>{Error::fault});
}

// Our table is made of single frames, not of 2 MB extents: there are none to list.
std::int32_t machphys_mfn_list(std::uint32_t arg)
{
    xen_machphys_mfn_list list;
    if (!read_guest(list, arg))
        return to_errno(Result<>{Error::fault});
    list.nr_extents = 0;
    return write_guest(arg, list) ? 0 : to_errno(Result<>{Error::fault});
}

// As the BIOS call that its format comes from (ACPI 6.4, 15.1).
struct [[gnu::packed]] E820Entry {
    std::uint64_t address, bytes;
    std::uint32_t type;
};
static_assert(sizeof(E820Entry) == 20);

std::int32_t machine_memory_map(std::uint32_t arg)
{
    xen_memory_map map;
    if (!current_domain().privileged)
        return to_errno(Result<>{Error::perm});
    if (!read_guest(map, arg))
        return to_errno(Result<>{Error::fault});
    auto buffer = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(map.buffer));
    std::uint32_t count = boot_info.range_count;
    if (buffer) {
        count = map.nr_entries < count ? map.nr_entries : count;
        for (std::uint32_t i = 0; i < count; ++i) {
            MemoryRange const &r = boot_info.ranges[i];
            if (!write_guest(buffer + i * sizeof(E820Entry), E820Entry{r.start, r.end - r.start, r.type}))
                return to_errno(Result<>{Error::fault});
        }
    }
    map.nr_entries = count;
    return write_guest(arg, map) ? 0 : to_errno(Result<>{Error::fault});
}

}  // namespace

Result<Reservation> check_reservation(xen_memory_reservation const &in)
{
    Reservation r{};
    r.list = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(in.extent_start));
    r.extents = in.nr_extents;
    r.extent_order = in.extent_order;
    std::uint32_t bits = XENMEMF_get_address_bits(in.mem_flags);
    r.frame_end = bits == 0 || bits >= 32 ? ~0u : bits <= page_shift ? 0 : 1u << (bits - page_shift);
    if (in.nr_extents > 0x7fff'ffffu >> memory_op_start_shift || !guest_range_ok(r.list, r.extents, 4))
        return Error::nomem;  // the caller's way to say "none were done"
    r.owner = TRY(named_domain(in.domid));
    if (!r.owner)
        return Error::srch;
    return r;
}

// Free memory is not sorted by address: what lies too high is given back, and the caller told that there is none.
Result<Mfn> allocate_extent(Reservation const &r)
{
    Mfn first = TRY(allocate_domain_frames(*r.owner, r.extent_order));
    std::uint32_t n = 1u << r.extent_order;
    if (first.raw() + n <= r.frame_end)
        return first;
    for (std::uint32_t i = 0; i < n; ++i)
        static_cast<void>(release_frame(first + i, *r.owner));
    return Error::nomem;
}

Result<Reservation> read_reservation(std::uint32_t arg)
{
    xen_memory_reservation in;
    if (!read_guest(in, arg))
        return Error::fault;
    return check_reservation(in);
}

std::int32_t do_memory_op(std::uint32_t cmd, std::uint32_t arg)
{
    LockGuard guard{mmu_lock};
    unsigned op = cmd & ((1u << memory_op_start_shift) - 1);
    switch (op) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap: return do_reservation(op, cmd >> memory_op_start_shift, arg);
    case XENMEM_exchange: return exchange_memory(arg);
    case XENMEM_maximum_ram_page: return static_cast<std::int32_t>(frame_limit - 1);
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn: return domain_question(op, arg);
    case XENMEM_machphys_mapping: return machphys_mapping(arg);
    case XENMEM_machphys_mfn_list:
    case XENMEM_machphys_compat_mfn_list: return machphys_mfn_list(arg);
    case XENMEM_machine_memory_map: return machine_memory_map(arg);
    case XENMEM_acquire_resource: return to_errno(acquire_resource(arg));
    // Both change a translated domain's memory map; ours translate for themselves.
    case XENMEM_add_to_physmap:
    case XENMEM_add_to_physmap_batch: return to_errno(Result<>{Error::acces});
    default: return to_errno(Result<>{Error::nosys});  // memory_map: no domain has been given one
    }
}

}  // namespace hv
