// SPDX-License-Identifier: MIT
// Grant tables as the tests use them.
#pragma once
#include "domu.hpp"
#include "mmu.hpp"

namespace grants {

template <class Op>
std::int32_t call(unsigned cmd, Op &op, unsigned count = 1)
{
    return hypercall(__HYPERVISOR_grant_table_op, cmd, &op, count);
}

struct Mapped {
    int status;
    grant_handle_t handle;
    std::uint64_t bus;
};

inline Mapped map(domid_t granter, grant_ref_t ref, std::uint64_t where, unsigned flags = GNTMAP_host_map)
{
    gnttab_map_grant_ref op{};
    op.host_addr = where;
    op.flags = flags;
    op.ref = ref;
    op.dom = granter;
    op.status = 77;
    check(0, "map_grant_ref", call(GNTTABOP_map_grant_ref, op));
    return {op.status, op.handle, op.dev_bus_addr};
}
inline Mapped map(domid_t granter, grant_ref_t ref, void const volatile *where, unsigned flags = GNTMAP_host_map)
{
    return map(granter, ref, std::uint64_t{word(where)}, flags);
}

inline int unmap(grant_handle_t handle, std::uint64_t host, std::uint64_t bus = 0)
{
    gnttab_unmap_grant_ref op{};
    op.host_addr = host;
    op.dev_bus_addr = bus;
    op.handle = handle;
    op.status = 77;
    check(0, "unmap_grant_ref", call(GNTTABOP_unmap_grant_ref, op));
    return op.status;
}
inline int unmap(grant_handle_t handle, void const volatile *host) { return unmap(handle, std::uint64_t{word(host)}); }

inline gnttab_copy_ptr frame_side(std::uint32_t mfn, unsigned offset = 0, domid_t domain = DOMID_SELF)
{
    gnttab_copy_ptr p{};
    p.u.gmfn = mfn;
    p.domid = domain;
    p.offset = static_cast<std::uint16_t>(offset);
    return p;
}
inline gnttab_copy_ptr grant_side(domid_t granter, grant_ref_t ref, unsigned offset = 0)
{
    return frame_side(ref, offset, granter);
}
inline int copy(gnttab_copy_ptr from, gnttab_copy_ptr to, unsigned bytes, unsigned flags)
{
    gnttab_copy op{from, to, static_cast<std::uint16_t>(bytes), static_cast<std::uint16_t>(flags), 77};
    check(0, "copy", call(GNTTABOP_copy, op));
    return op.status;
}

// The frames of a domain's table, made to be `n`.
inline int set_up(domid_t d, std::uint32_t *frames, unsigned n)
{
    gnttab_setup_table op{};
    op.dom = d;
    op.nr_frames = n;
    op.status = 77;
    op.frame_list = frames;
    check(0, "setup_table", call(GNTTABOP_setup_table, op));
    return op.status;
}

// The first frame of our own table, mapped at `page`.
inline grant_entry_v1 volatile *own_table(void volatile *page)
{
    std::uint32_t frame = 0;
    check(GNTST_okay, "sets up its own table", set_up(DOMID_SELF, &frame, 1));
    remap(page, mmu::entry(frame, mmu::P | mmu::RW | mmu::A | mmu::D));
    return static_cast<grant_entry_v1 volatile *>(page);
}
// That of another domain, as a toolstack maps it.
inline grant_entry_v1 volatile *table_of(domid_t d, void volatile *page)
{
    std::uint32_t frame = 0;
    check(GNTST_okay, "sets up another's table", set_up(d, &frame, 1));
    domu::map_foreign(page, d, frame);
    return static_cast<grant_entry_v1 volatile *>(page);
}

inline void grant(grant_entry_v1 volatile *table, grant_ref_t ref, domid_t to, std::uint32_t mfn, unsigned flags = 0)
{
    table[ref].domid = to;
    table[ref].frame = mfn;
    barrier();
    table[ref].flags = static_cast<std::uint16_t>(GTF_permit_access | flags);
}
constexpr unsigned in_use = GTF_reading | GTF_writing;

}  // namespace grants
