// SPDX-License-Identifier: MIT
// An unprivileged guest that does what its command line says: each word below is one thing that a guest must not get away with. It
// tells on its console what it got; "Test result: SUCCESS" is the last line, unless it does not come so far. domains_test.cpp starts it.
#include "shared_page.hpp"

char const title[] = "a guest with bad intentions";

namespace {
using daemons::Store;

alignas(4096) std::uint32_t volatile window[64][1024], granted[1024];

// A fault that no handler waits for is this kernel's end.
void triple_fault()
{
    print("no trap table; an undefined instruction\n");
    hypercall(__HYPERVISOR_set_trap_table, static_cast<trap_info *>(nullptr));
    asm volatile("ud2");
}

void spin()
{
    event_mask() = 1;
    print("spinning, no event gets through\n");
    for (;;)
        barrier();
}

void fill_grants()
{
    gnttab_query_size size{};
    size.dom = DOMID_SELF;
    check(0, "query_size", grants::call(GNTTABOP_query_size, size));
    static std::uint32_t frames[65];
    auto most = size.max_nr_frames < 64 ? size.max_nr_frames : 64;
    check(GNTST_okay, "all frames there can be", grants::set_up(DOMID_SELF, frames, most));
    std::uint32_t filled = 0;
    for (std::uint32_t i = 0; i < most; ++i) {
        remap(window[i], mmu::entry(frames[i], mmu::P | mmu::RW | mmu::A | mmu::D));
        auto entries = reinterpret_cast<grant_entry_v1 volatile *>(window[i]);
        for (unsigned k = i == 0 ? GNTTAB_NR_RESERVED_ENTRIES : 0; k < 4096 / sizeof *entries; ++k, ++filled) {
            entries[k].domid = 0;
            entries[k].frame = mfn_of(granted);
            entries[k].flags = GTF_permit_access;
        }
    }
    print("%u entries in %u frames; one frame more: %d\n", filled, most, grants::set_up(DOMID_SELF, frames, most + 1));
    for (std::uint32_t i = 0; i < most; ++i)
        remap(window[i], pte_of(window[i], 1 | 2));
}

void foreign_ports()
{
    unsigned own = 0, others = 0, bound = 0;
    for (evtchn_port_t port = 0; port < 4096; ++port) {
        evtchn_status state{};
        state.dom = DOMID_SELF;
        state.port = port;
        bool mine = hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &state) == 0
            && state.status != EVTCHNSTAT_closed;
        evtchn_send send{port};
        bool sent = hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send) == 0;
        (mine ? own : others) += sent;
        evtchn_bind_interdomain bind{};
        bind.remote_dom = 0;
        bind.remote_port = port;
        bound += hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &bind) == 0;
        evtchn_status spied{};
        spied.dom = 0;
        spied.port = port;
        others += hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &spied) == 0;
    }
    print("sent to %u ports of its own, to %u others; bound %u of domain 0's\n", own, others, bound);
}

void scribble()
{
    on_trap = [](TrapFrame &f) {
        shared.vcpu_info[0].evtchn_upcall_pending = 0;
        return f.vector == 0x100;
    };
    auto bytes = reinterpret_cast<std::uint8_t volatile *>(&shared);
    std::uint32_t random = 1;
    for (unsigned round = 0; round < 200; ++round) {
        for (unsigned i = 0; i < 4096; ++i) {
            random = random * 1664525 + 1013904223;
            bytes[i] = round == 0 ? 0xff : round == 1 ? 0 : static_cast<std::uint8_t>(random >> 24);
        }
        hypercall(__HYPERVISOR_set_timer_op, 1, 0);
        daemons::yield();
    }
    std::memset(const_cast<std::uint8_t *>(bytes), 0, 4096);
    event_mask() = 1;
    print("shared_info written over 200 times\n");
}

void hammer_store()
{
    Store store;
    unsigned written = 0;
    Store::Reply reply{};
    char path[] = "data/00000\0x";
    for (; written < 100000; ++written) {
        auto n = written;
        for (int digit = 9; digit >= 5; --digit, n /= 10)
            path[digit] = static_cast<char>('0' + n % 10);
        reply = store.ask(XS_WRITE, path, sizeof path - 1);
        if (reply.header.type == XS_ERROR)
            break;
    }
    print("%u nodes, then %s; of others: %s, ", written, reply.text,
          store.ask(XS_WRITE, "/local/domain/0/name\0x", 22).text);
    print("%s; it goes on\n", store.ask(XS_READ, "/vm\0", 4).text);
    for (;;)
        store.ask(XS_WRITE, "data/00000\0yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", 70);
}

void break_store()
{
    Store store;
    xsd_sockmsg header{XS_WRITE, 1, 0, 0xffff'fff0};
    store.put(&header, sizeof header);
    daemons::notify(info->store_evtchn);
    while (store.ring().error == XENSTORE_ERROR_NONE)
        daemons::yield();
    print("a request of 4 GB: the daemon hangs up, error %u\n", store.ring().error);
}

void take_memory()
{
    static xen_pfn_t list[1024];
    unsigned got = 0;
    std::int32_t result = 0;
    for (unsigned round = 0; round < 1000; ++round) {
        for (unsigned i = 0; i < 1024; ++i)
            list[i] = 0x80000 + round * 1024 + i;
        xen_memory_reservation r{
            .extent_start = list, .nr_extents = 1024, .extent_order = 0, .mem_flags = 0, .domid = DOMID_SELF};
        result = hypercall(__HYPERVISOR_memory_op, round & 1 ? XENMEM_increase_reservation : XENMEM_populate_physmap, &r);
        got += result > 0 ? static_cast<unsigned>(result) : 0;
    }
    xen_memory_reservation r{.extent_start = list, .nr_extents = 1, .extent_order = 0, .mem_flags = 0, .domid = 0};
    auto foreign = hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r);
    print("asked for 4 GB, got %u frames; of domain 0's it takes away: %d\n", got, foreign);
}

// A third of all frames that there are: those of others are not mapped, neither read-only nor as a table. Its own are those of its list, and
// the two that the hypervisor shares with it: shared_info and the table of grants.
void foreign_frames()
{
    auto own = reinterpret_cast<xen_pfn_t const *>(static_cast<std::uintptr_t>(info->mfn_list));
    std::uint32_t grants_frame = 0;
    check(GNTST_okay, "its own table of grants", grants::set_up(DOMID_SELF, &grants_frame, 1));
    unsigned tried = 0, mapped = 0, pinned = 0;
    auto last = static_cast<std::uint32_t>(hypercall(__HYPERVISOR_memory_op, XENMEM_maximum_ram_page));
    for (std::uint32_t mfn = 0; mfn < last + 64; mfn += 3) {
        auto pfn = mfn < last ? mmu::m2p[mfn] : info->nr_pages;
        bool shared_with_us = mfn == info->shared_info >> 12 || mfn == grants_frame;
        if ((pfn < info->nr_pages && own[pfn] == mfn) || shared_with_us)
            continue;
        ++tried;
        std::uint64_t rights = mfn & 1 ? mmu::P | mmu::RW | mmu::A | mmu::D : mmu::P | mmu::A;
        mapped += mmu::map(window[0], mmu::entry(mfn, rights)) == 0;
        pinned += mmu::extended(MMUEXT_PIN_L1_TABLE, mfn) == 0;
    }
    std::uint64_t top = mmu::entry(mmu::root(), mmu::P | mmu::RW | mmu::A | mmu::D);
    print("of %u frames of others %u mapped, %u pinned; its own root table, to write: %d\n", tried, mapped, pinned,
          mmu::map(window[0], top));
    remap(window[0], pte_of(window[0], 1 | 2));
}

struct Deed {
    char const *word;
    void (*act)();
};
constexpr Deed deeds[] = {{"triple-fault", triple_fault},
                          {"spin", spin},
                          {"fill-grants", fill_grants},
                          {"foreign-ports", foreign_ports},
                          {"scribble", scribble},
                          {"hammer-store", hammer_store},
                          {"break-store", break_store},
                          {"take-memory", take_memory},
                          {"foreign-frames", foreign_frames}};
}  // namespace

void test_main()
{
    write_text = daemons::say;
    auto word = reinterpret_cast<char const *>(info->cmd_line);
    for (auto const &deed : deeds)
        if (std::strcmp(word, deed.word) == 0) {
            deed.act();
            return success();
        }
    failure("%s: no such deed", word);
}
