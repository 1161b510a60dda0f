// SPDX-License-Identifier: MIT
// The second model check: a control domain and up to three others grant, map, copy, map each other's frames, open channels, are destroyed while
// all that is going on, in pieces between which the others go on, and come again under the same ids. After each step the processor's
// memory of the past must be harmless; every few steps everything is counted anew: references from the tables' contents, pins from the
// map entries, both ends of channels, and all frames of the machine.
#include "machine.hpp"
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <hv/cpu.hpp>
#include <hv/event.hpp>
#include <hv/grant.hpp>
#include <hv/heap.hpp>
#include <hv/memory.hpp>
#include <hv/mmu.hpp>
#include <hv/percpu.hpp>
#include <pv/event_channel.h>
#include <pv/xen.h>

using namespace hv;
using namespace machine;

namespace {

constexpr unsigned max_id = 3, references = 16;

std::uint32_t below(std::uint32_t n) { return random_word() % n; }
bool chance(unsigned percent) { return below(100) < percent; }
Domain &self() { return current_domain(); }

// What a guest remembers of its mappings.
struct Known {
    std::uint32_t owner;  // serial of the mapper
    grant_handle_t handle;
    std::uint64_t host, bus;
};
std::vector<Known> known;

struct Tally {
    unsigned mapped = 0, unmapped = 0, copied = 0, replaced = 0, foreign = 0, channels = 0, destroyed = 0, pieces = 0,
             orphans = 0;
} tally;

Domain *some_domain(bool with_control = true)
{
    Domain *d = find_domain(static_cast<DomainId>(with_control ? below(max_id + 1) : 1 + below(max_id)));
    return d;
}

Mfn own_frame(Domain const &d)
{
    std::uint32_t start = below(frames);
    for (unsigned i = 0; i < frames; ++i)
        if (Mfn mfn{(start + i) % frames}; (frame_of(mfn).owner & 0xffff) == d.id + 1u)
            return mfn;
    return Mfn{ram_first};
}

Mfn any_frame()
{
    switch (below(8)) {
    case 0: return Mfn{random_word()};
    case 1: return Mfn{heap_first + below(heap_frames)};
    case 2:
        if (Domain *d = some_domain())
            return own_frame(*d);
        [[fallthrough]];
    default: return own_frame(self());
    }
}

// --- what guests do ------------------------------------------------------------------------------------------------------------

void set_up_table()
{
    gnttab_setup_table op{};
    op.dom = chance(80) ? domid_t{DOMID_SELF} : static_cast<domid_t>(below(max_id + 2));
    op.nr_frames = 1 + below(chance(90) ? 1 : 3);
    op.frame_list = reinterpret_cast<xen_pfn_t *>(static_cast<std::uintptr_t>(arena_address + 4096));
    std::vector ops{op};
    call_grants(GNTTABOP_setup_table, ops);
}

void write_entry()
{
    GrantTable const &t = *self().grants;
    if (!t.frame_count)
        return set_up_table();
    auto *entries = reinterpret_cast<grant_entry_v1 *>(table(t.frames[0]));
    grant_entry_v1 &e = entries[below(references)];
    e.domid = static_cast<domid_t>(below(max_id + 1));
    e.frame = (chance(80) ? own_frame(self()) : any_frame()).raw();
    e.flags = static_cast<std::uint16_t>(chance(90) ? GTF_permit_access | (chance(25) ? GTF_readonly : 0)
                                                    : random_word());
}

std::uint32_t some_linear() { return chance(95) ? below(40) << 12 : below(4) << 30 | below(2) << 21 | below(40) << 12; }

std::uint64_t some_host_address(bool by_entry)
{
    if (!by_entry)
        return chance(97) ? some_linear() : random_word();
    if (chance(10))
        return std::uint64_t{any_frame().raw()} << 12 | below(4096);
    for (unsigned tries = 0; tries < 64; ++tries)
        if (Mfn mfn = own_frame(self()); frame_of(mfn).type() == FrameType::l1)
            return to_maddr(mfn, below(40) * 8).raw();
    return to_maddr(own_frame(self()), 0).raw();
}

// Mostly something that was granted.
void choose_grant(domid_t &granter, grant_ref_t &ref)
{
    for (unsigned tries = 0; tries < 64; ++tries) {
        granter = static_cast<domid_t>(below(max_id + 1 + (chance(5) ? 3 : 0)));
        ref = chance(98) ? below(references) : random_word();
        Domain *d = find_domain(granter);
        if (chance(5) || !d || !d->grants->frame_count || ref >= references)
            return;
        auto const *entries = reinterpret_cast<grant_entry_v1 const *>(table(d->grants->frames[0]));
        if (entries[ref].domid == self().id && (entries[ref].flags & GTF_type_mask) == GTF_permit_access)
            return;
    }
}

void map_one()
{
    gnttab_map_grant_ref op{};
    choose_grant(op.dom, op.ref);
    op.flags = (chance(85) ? GNTMAP_host_map : 0) | (chance(20) ? GNTMAP_device_map : 0)
        | (chance(40) ? GNTMAP_readonly : 0) | (chance(40) ? GNTMAP_contains_pte : 0)
        | (chance(20) ? GNTMAP_application_map : 0);
    op.host_addr = some_host_address(op.flags & GNTMAP_contains_pte);
    std::vector ops{op};
    REQUIRE(call_grants(GNTTABOP_map_grant_ref, ops) == 0);
    if (ops[0].status != GNTST_okay)
        return;
    ++tally.mapped;
    known.push_back({self().serial, ops[0].handle, op.host_addr, ops[0].dev_bus_addr});
}

Known some_mapping()
{
    std::vector<Known> mine;
    for (Known const &k : known)
        if (k.owner == self().serial)
            mine.push_back(k);
    Known k = mine.empty() ? Known{0, below(200), some_host_address(false), 0}
                           : mine[below(static_cast<unsigned>(mine.size()))];
    if (chance(10))
        k.host = some_host_address(chance(50));
    if (chance(5))
        k.handle = below(300);
    return k;
}

void forget(Known const &k)
{
    if (map_entry(self(), k.handle))
        return;
    known.erase(
        std::remove_if(known.begin(), known.end(),
                       [&](Known const &other) { return other.owner == self().serial && other.handle == k.handle; }),
        known.end());
}

void unmap_one()
{
    Known k = some_mapping();
    gnttab_unmap_grant_ref op{};
    op.handle = k.handle;
    op.host_addr = chance(90) ? k.host : 0;
    op.dev_bus_addr = chance(60) ? k.bus : chance(10) ? random_word() : 0;
    std::vector ops{op};
    REQUIRE(call_grants(GNTTABOP_unmap_grant_ref, ops) == 0);
    tally.unmapped += ops[0].status == GNTST_okay;
    forget(k);
}

void replace_one()
{
    Known k = some_mapping();
    gnttab_unmap_and_replace op{};
    op.handle = k.handle;
    op.host_addr = k.host;
    op.new_addr = chance(90) ? some_host_address(false) : k.host;
    std::vector ops{op};
    REQUIRE(call_grants(GNTTABOP_unmap_and_replace, ops) == 0);
    tally.replaced += ops[0].status == GNTST_okay;
    forget(k);
}

gnttab_copy_ptr some_side(bool by_reference)
{
    gnttab_copy_ptr p{};
    p.domid = chance(90) ? domid_t{DOMID_SELF} : domid_t{1};
    p.u.gmfn = any_frame().raw();
    if (by_reference)
        choose_grant(p.domid, p.u.ref);
    p.offset = static_cast<std::uint16_t>(below(64));
    return p;
}

// A destination is memory that somebody maps writable: its contents may be tables' of later, so copy what cannot be an entry.
void copy_one()
{
    std::vector<gnttab_copy> ops(1 + below(3));
    for (auto &op : ops) {
        op.flags = static_cast<std::uint16_t>(below(4));
        op.source = some_side(op.flags & GNTCOPY_source_gref);
        op.dest = some_side(op.flags & GNTCOPY_dest_gref);
        op.len = static_cast<std::uint16_t>(chance(90) ? below(64) : below(5000));
    }
    REQUIRE(call_grants(GNTTABOP_copy, ops) == 0);
    for (auto const &op : ops)
        tally.copied += op.status == GNTST_okay && op.len;
}

void map_foreign()
{
    Domain *d = some_domain(false);
    if (!d)
        return;
    Pte e{own_frame(*d), Pte::P | (chance(50) ? std::uint64_t{Pte::RW} : 0)};
    tally.foreign += call_update_va_mapping(some_linear(), e, UVMF_INVLPG, d->id) == 0;
}

void map_own()
{
    Pte e{own_frame(self()), Pte::P | (chance(60) ? std::uint64_t{Pte::RW} : 0)};
    call_update_va_mapping(some_linear(), chance(70) ? e : Pte{}, chance(50) ? UVMF_INVLPG : UVMF_NONE);
}

// The control domain pins for another, as a builder does, and changes its tables.
void work_on_another()
{
    Domain *d = some_domain(false);
    if (!d)
        return;
    struct mmuext_op op {};
    op.cmd = chance(50) ? MMUEXT_UNPIN_TABLE : MMUEXT_PIN_L1_TABLE + below(3);
    op.arg1.mfn = own_frame(*d).raw();
    call_mmuext_op(std::vector{op}, d->id);
    struct mmu_update u {};
    u.ptr = to_maddr(own_frame(*d), below(4) * 8).raw();
    u.val = chance(50) ? 0 : Pte{own_frame(*d), Pte::P | Pte::RW}.raw();
    call_mmu_update({u}, (d->id + 1u) << 16 | d->id);
}

void give_memory()
{
    std::vector<std::uint32_t> list{own_frame(self()).raw()};
    if (chance(50))
        reservation(XENMEM_decrease_reservation, list, 0);
    else
        reservation(XENMEM_populate_physmap, list, 0);
}

// A port of somebody's that waits for us, if there is one.
evtchn_bind_interdomain some_open_port()
{
    evtchn_bind_interdomain join{};
    for (unsigned tries = 0; tries < 40; ++tries) {
        join = {static_cast<domid_t>(below(max_id + 1)), below(12), 0};
        Domain *d = find_domain(join.remote_dom);
        if (d && port_of(*d, join.remote_port).state == PortState::unbound
            && port_of(*d, join.remote_port).remote_domain == self().id)
            break;
    }
    return join;
}

void use_ports()
{
    evtchn_alloc_unbound open{DOMID_SELF, static_cast<domid_t>(below(max_id + 1)), 0};
    evtchn_bind_interdomain join = some_open_port();
    evtchn_send send{below(12)};
    evtchn_close close{below(12)};
    evtchn_reset reset{static_cast<domid_t>(chance(50) ? DOMID_SELF : below(max_id + 1))};
    switch (below(12)) {
    case 0:
    case 1:
    case 2: call_event(EVTCHNOP_alloc_unbound, open); break;
    case 3:
    case 4:
    case 5:
    case 6: tally.channels += call_event(EVTCHNOP_bind_interdomain, join) == 0; break;
    case 7:
    case 8: call_event(EVTCHNOP_send, send); break;
    case 9: call_event(EVTCHNOP_reset, reset); break;
    default: call_event(EVTCHNOP_close, close);
    }
}

// --- life and death ------------------------------------------------------------------------------------------------------------

bool give_birth(DomainId id)
{
    if (free_frame_count() < 40)
        return false;
    auto made = create_domain(id, {.vcpus = 1 + below(2)});
    if (!made.ok())
        return false;
    Domain &d = *made.value();
    d.max_pages = 60;
    REQUIRE(create_vcpus(d).ok());
    make_space(*d.vcpus[0], 24, 1);
    return true;
}

// One piece of a destruction; the control domain runs, as it does for domctl.
void kill(Domain &d)
{
    run(*dom0.vcpus[0]);
    std::uint32_t serial = d.serial;
    ++tally.pieces;
    if (!finish_unfinished(current()).ok() || destroy_domain(d).error() == Error::again)
        return;
    ++tally.destroyed;
    known.erase(std::remove_if(known.begin(), known.end(), [serial](Known const &k) { return k.owner == serial; }),
                known.end());
}

void life_and_death()
{
    auto id = static_cast<DomainId>(1 + below(max_id));
    if (Domain *d = find_domain(id))
        kill(*d);
    else
        give_birth(id);
}

void someone_runs()
{
    Domain *d = some_domain();
    if (!d || d->dying)
        d = &dom0;
    Vcpu &v = *d->vcpus[below(d->vcpu_count)];
    if (v.cr3 != no_mfn)
        run(v);
}

void step()
{
    for (Domain *d = domain_list, *next; d; d = next) {
        next = d->next;
        if (d->dying && chance(50))
            kill(*d);
    }
    switch (below(24)) {
    case 0:
    case 1:
    case 2: someone_runs(); break;
    case 3: set_up_table(); break;
    case 4:
    case 5:
    case 6:
    case 7: write_entry(); break;
    case 8:
    case 9:
    case 10:
    case 11:
    case 12: map_one(); break;
    case 13:
    case 14:
    case 15: unmap_one(); break;
    case 16: replace_one(); break;
    case 17: copy_one(); break;
    case 18: map_foreign(); break;
    case 19: work_on_another(); break;
    case 20: map_own(); break;
    case 21: chance(50) ? give_memory() : use_ports(); break;
    case 22: use_ports(); break;
    default:
        if (chance(15))
            life_and_death();
    }
    tally.orphans += orphan_frame_count() != 0;
    observe();
}

void finish_all()
{
    while (Domain *d = find_domain(1) ? find_domain(1) : find_domain(2) ? find_domain(2) : find_domain(3))
        kill(*d);
    run(*dom0.vcpus[0]);
    REQUIRE(check() == "");
    close_all_ports(dom0);
    free_port_buckets(dom0);
    while (release_domain_memory(dom0).error() == Error::again) {}
    while (release_mappings(dom0).error() == Error::again) {}
    free_grant_table(dom0);
    REQUIRE(free_frame_count() == ram_end - ram_first);
    REQUIRE(orphan_frame_count() == 0);
    REQUIRE(heap_used() == 0);
}

void run_model(std::uint32_t which, unsigned steps, unsigned chance_of_preemption)
{
    reset();
    retire(domu);
    known.clear();
    seed(which);
    make_space(vcpus[0], 40);
    make_space(vcpus[1], 12);
    for (DomainId id = 1; id <= max_id; ++id)
        REQUIRE(give_birth(id));
    preempt_chance = chance_of_preemption;
    for (unsigned i = 0; i < steps; ++i) {
        step();
        std::string why = check_processor();
        if (why.empty() && i % 8 == 0)
            why = check();
        INFO("seed " << which << " step " << i);
        if (!why.empty())
            FAIL(why);
    }
    preempt_chance = 0;
    finish_all();
}

unsigned model_rounds()
{
    char const *text = std::getenv("MODEL_ROUNDS");
    return text ? static_cast<unsigned>(std::atoi(text)) : 40;
}
}  // namespace

TEST_CASE("domains that grant, map, join and die at random leave no reference behind")
{
    tally = {};
    unsigned const steps = 4000;
    for (std::uint32_t i = 1; i <= model_rounds(); ++i)
        run_model(i, steps, i % 3 == 0 ? 0 : i % 3 == 1 ? 24 : 160);
    CHECK(tally.mapped > 1000);
    CHECK(tally.unmapped > 1000);
    CHECK(tally.copied > 500);
    CHECK(tally.replaced > 20);
    CHECK(tally.foreign > 500);
    CHECK(tally.channels > 100);
    CHECK(tally.destroyed > 200);
    CHECK(tally.pieces > tally.destroyed + 200);
    CHECK(tally.orphans > 500);
    WARN(model_rounds() * steps << " steps: " << tally.mapped << " grants mapped, " << tally.unmapped << " unmapped, "
                                << tally.copied << " copied, " << tally.replaced << " replaced; " << tally.foreign
                                << " foreign mappings, " << tally.channels << " channels; " << tally.destroyed
                                << " domains destroyed in " << tally.pieces
                                << " pieces, with frames of dead domains still mapped after " << tally.orphans
                                << " steps");
}
