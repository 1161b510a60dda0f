// SPDX-License-Identifier: MIT
// memory_op: gives memory up, takes it again, exchanges it for contiguous memory, asks about it. Nobody gives up what is another's or is given
// up already; memory that comes back holds nothing of its past; lists and sizes that make no sense do nothing.
#include "mmu.hpp"

char const title[] = "memory_op";
using namespace mmu;

namespace {

alignas(4096) std::uint32_t pages[8][1024];
std::uint32_t mfns[8];

std::int32_t reservation(std::uint32_t op, std::uint32_t *list, std::uint32_t n, unsigned order = 0,
                         domid_t domain = DOMID_SELF)
{
    xen_memory_reservation r{};
    r.extent_start = list;
    r.nr_extents = n;
    r.extent_order = order;
    r.domid = domain;
    return hypercall(__HYPERVISOR_memory_op, op, &r);
}
std::int32_t question(std::uint32_t op, domid_t domain = DOMID_SELF)
{
    return hypercall(__HYPERVISOR_memory_op, op, &domain);
}

void give_and_take()
{
    std::int32_t before = question(XENMEM_current_reservation);
    check(info->nr_pages, "the reservation at the start", before);
    for (unsigned i = 0; i < 8; ++i) {
        mfns[i] = mfn_of(pages[i]);
        pages[i][0] = 0x5ec7e7;
    }
    check(8, "gives up pages that are mapped", reservation(XENMEM_decrease_reservation, mfns, 8));
    check(before, "they are ours as long as we map them", question(XENMEM_current_reservation));
    check(0x5ec7e7, "and hold what they held", pages[0][0]);
    check(0, "gives them up again", reservation(XENMEM_decrease_reservation, mfns, 8));
    for (auto &page : pages)
        check(0, "unmaps", map(page, 0));
    check(before - 8, "now they are gone", question(XENMEM_current_reservation));
    refused("maps one that is gone", map(pages[0], entry(mfns[0], P)));
    check(-1, "its place in the table of frames", static_cast<std::int32_t>(m2p[mfns[0]]));
    std::uint32_t gpfns[8];
    for (unsigned i = 0; i < 8; ++i)
        gpfns[i] = (word(pages[i]) - base) >> 12;
    check(8, "takes some", reservation(XENMEM_populate_physmap, gpfns, 8));
    for (unsigned i = 0; i < 8; ++i) {
        check((word(pages[i]) - base) >> 12, "its place in the table of frames", m2p[gpfns[i]]);
        check(0, "maps it", map(pages[i], entry(gpfns[i], P | RW)));
        for (std::uint32_t w : pages[i])
            if (w)
                return failure("a page that came back holds %x", w);
        mfns[i] = gpfns[i];
    }
    check(before, "as many as before", question(XENMEM_current_reservation));
}

void hostile_lists()
{
    std::uint32_t bad[] = {0x100, 0xffffffff, 0xfee00, root(), 0xfffff};
    check(0, "a frame of the hypervisor", reservation(XENMEM_decrease_reservation, bad, 1));
    check(0, "no frame", reservation(XENMEM_decrease_reservation, bad + 1, 1));
    check(0, "a device", reservation(XENMEM_decrease_reservation, bad + 2, 1));
    std::uint32_t shared_frame = info->shared_info >> 12;
    check(0, "the shared page", reservation(XENMEM_decrease_reservation, &shared_frame, 1));
    check(0, "not aligned to its size", reservation(XENMEM_decrease_reservation, bad + 4, 1, 3));
    check(0, "an order that no block has", reservation(XENMEM_increase_reservation, bad, 1, 20));
    check(0, "an order of 32 bits", reservation(XENMEM_decrease_reservation, bad, 1, 32));
    check(0, "more extents than can be", reservation(XENMEM_decrease_reservation, bad, 0x7fffffff));
    check(0, "a list in the hypervisor",
          reservation(XENMEM_decrease_reservation, reinterpret_cast<std::uint32_t *>(0xfe000000), 4));
    check(0, "a list that is not mapped",
          reservation(XENMEM_decrease_reservation, reinterpret_cast<std::uint32_t *>(0x1000), 4));
    check(-3, "a domain that is not there", reservation(XENMEM_decrease_reservation, bad, 1, 0, 9));
    check(-14, "an argument in the hypervisor",
          hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, 0xfe000000));
    check(3, "a restart that the guest made up, beyond the end",
          reservation(XENMEM_decrease_reservation | 3 << 6, bad, 1));
    check(-22, "a page table that is given up stays one",
          (reservation(XENMEM_decrease_reservation, bad + 3, 1), map(pages[0], entry(bad[3], P | RW)) < 0 ? -22 : 0));
}

std::int32_t exchange(std::uint32_t *in, std::uint32_t n_in, unsigned in_order, std::uint32_t *out, std::uint32_t n_out,
                      unsigned out_order, std::uint32_t *done = nullptr)
{
    xen_memory_exchange x{};
    x.in.extent_start = in;
    x.in.nr_extents = n_in;
    x.in.extent_order = in_order;
    x.out.extent_start = out;
    x.out.nr_extents = n_out;
    x.out.extent_order = out_order;
    x.in.domid = x.out.domid = DOMID_SELF;
    std::int32_t r = hypercall(__HYPERVISOR_memory_op, XENMEM_exchange, &x);
    if (done)
        *done = x.nr_exchanged;
    return r;
}

void exchanges()
{
    std::uint32_t out = (word(pages[0]) - base) >> 12, done = 77;
    refused("exchanges what is mapped", exchange(mfns, 8, 0, &out, 1, 3, &done));
    check(0, "none went", done);
    for (auto &page : pages)
        check(0, "unmaps", map(page, 0));
    std::uint32_t twice[] = {mfns[0], mfns[1], mfns[2], mfns[3], mfns[4], mfns[5], mfns[6], mfns[6]};
    refused("exchanges one twice", exchange(twice, 8, 0, &out, 1, 3, &done));
    refused("unequal amounts", exchange(mfns, 8, 0, &out, 1, 2));
    refused("an amount beyond 32 bits", exchange(mfns, 1u << 24, 8, &out, 0, 0));
    refused("an order that no block has", exchange(mfns, 1, 30, &out, 1, 30));
    refused("a frame of the hypervisor", (twice[7] = 0x100, exchange(twice, 8, 0, &out, 1, 3)));
    std::int32_t before = question(XENMEM_current_reservation);
    check(0, "eight pages for one run of eight", exchange(mfns, 8, 0, &out, 1, 3, &done));
    check(8, "all went", done);
    check(before, "none was won or lost", question(XENMEM_current_reservation));
    check(0, "the run is aligned", out & 7);
    for (unsigned i = 0; i < 8; ++i) {
        check(((word(pages[0]) - base) >> 12) + i, "its place in the table of frames", m2p[out + i]);
        check(0, "maps it", map(pages[i], entry(out + i, P | RW)));
    }
    pages[7][0] = 1;
}

void questions()
{
    check_true(question(XENMEM_maximum_reservation) >= question(XENMEM_current_reservation), "maximum_reservation");
    check(-3, "of a domain that is not there", question(XENMEM_current_reservation, 77));
    check_true(hypercall(__HYPERVISOR_memory_op, XENMEM_maximum_ram_page) > 0x1000, "maximum_ram_page");
    xen_machphys_mapping where{};
    check(0, "machphys_mapping", hypercall(__HYPERVISOR_memory_op, XENMEM_machphys_mapping, &where));
    check(word(m2p), "the table of frames", where.v_start);
    check(-14, "into the hypervisor", hypercall(__HYPERVISOR_memory_op, XENMEM_machphys_mapping, 0xfe000000));
    struct [[gnu::packed]] {
        std::uint64_t address, bytes;
        std::uint32_t type;
    } entries[32];
    xen_memory_map map_argument{32, entries};
    check(0, "machine_memory_map", hypercall(__HYPERVISOR_memory_op, XENMEM_machine_memory_map, &map_argument));
    check_true(map_argument.nr_entries >= 2 && map_argument.nr_entries <= 32, "has entries");
    check(-38, "memory_map: none was given", hypercall(__HYPERVISOR_memory_op, XENMEM_memory_map, &map_argument));
    xen_add_to_physmap add{};
    add.domid = DOMID_SELF;
    check(-13, "add_to_physmap", hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add));
    check(-38, "a command that is not there", hypercall(__HYPERVISOR_memory_op, 63, &add));
}

}  // namespace

void test_main()
{
    give_and_take();
    exchanges();
    questions();
    hostile_lists();
    success();
}
