// SPDX-License-Identifier: MIT
// The model check. Two domains do what kernels do and what attackers try, at random and for long, over 224 frames, so that frames change their
// use all the time. After each step the processor's memory of the past must be harmless; every few steps everything is counted anew.
//
// What must hold (machine.hpp, check and check_processor):
//   - no table and no descriptor page is writable, through a live entry or one that the processor may remember;
//   - no frame is walked as a table of a level that it is not;
//   - general and type counts equal what the tables say, entry by entry;
//   - nothing of the hypervisor's is named by an entry; every frame with references has an owner, and lies on its list.
#include "machine.hpp"
#include <catch2/catch.hpp>
#include <cstdlib>
#include <hv/hypercall.hpp>
#include <hv/memory.hpp>
#include <hv/mmu.hpp>
#include <hv/tlb.hpp>
#include <pv/xen.h>

using namespace hv;
using namespace machine;

namespace {

std::uint32_t below(std::uint32_t n) { return random_word() % n; }
bool chance(unsigned percent) { return below(100) < percent; }

Domain &self() { return *current().domain; }

// A frame of the domain's, if possible one that is used as `t`.
Mfn own_frame(Domain &d, FrameType t, bool prefer)
{
    Mfn any{ram_first + below(ram_end - ram_first)};
    std::uint32_t start = below(frames);
    for (unsigned i = 0; i < frames; ++i) {
        Mfn mfn{(start + i) % frames};
        Frame const &f = frame_of(mfn);
        if ((f.owner & 0xffff) != d.id + 1u)
            continue;
        any = mfn;
        if (!prefer || f.type() == t)
            return mfn;
    }
    return any;
}

Mfn some_frame(FrameType t)
{
    switch (below(40)) {
    case 0: return Mfn{random_word()};                      // nowhere
    case 1: return Mfn{heap_first + below(heap_frames)};    // the hypervisor's
    case 2: return Mfn{ram_end + below(frames - ram_end)};  // I/O
    case 3: return own_frame(&self() == &dom0 ? domu : dom0, t, true);
    default: return own_frame(self(), t, chance(80));
    }
}

FrameType below_type(FrameType t, unsigned index)
{
    if (t == FrameType::l3)
        return index == 3 ? FrameType::l2_top : FrameType::l2;
    return t == FrameType::l1 ? FrameType::writable : FrameType::l1;
}

Pte some_entry(FrameType t, unsigned index)
{
    if (chance(t == FrameType::l3 && index == 3 ? 5 : 25))
        return Pte{chance(20) ? std::uint64_t{random_word()} << 32 | (random_word() & ~1u) : 0};
    std::uint64_t bits = Pte::P;
    if (t != FrameType::l3)
        bits |= (chance(60) ? std::uint64_t{Pte::RW} : 0) | (random_word() & (Pte::A | Pte::D | Pte::US));
    if (chance(2))
        bits |= 1ull << below(12);
    if (chance(2))
        bits |= 1ull << (52 + below(12));
    if (chance(1))
        bits |= 1ull << (36 + below(16));
    return Pte{some_frame(below_type(t, index)), bits};
}

unsigned some_index(FrameType t)
{
    if (t == FrameType::l3)
        return chance(97) ? below(4) : below(512);
    constexpr unsigned favourites[] = {0, 1, 2, 3, 427, 428, 480, 511};
    return chance(95) ? favourites[below(chance(80) ? 5 : 8)] : below(512);
}

// What a guest does to memory that it maps writable: any bits at any time.
void scribble(Mfn mfn, FrameType as)
{
    unsigned n = as == FrameType::l3 ? 4 : 1 + below(4);
    for (unsigned i = 0; i < n; ++i) {
        unsigned index = as == FrameType::l3 ? i : some_index(as);
        table(mfn)[index] = some_entry(as, index);
    }
}

FrameType some_table_type()
{
    constexpr FrameType types[] = {FrameType::l1, FrameType::l1, FrameType::l2, FrameType::l2_top, FrameType::l3};
    return types[below(5)];
}

// Prepares a table the way a kernel does: writes it through a mapping, takes the mapping away, and does not flush.
void prepare_table()
{
    FrameType as = some_table_type();
    auto f = get_frame_and_type(own_frame(self(), FrameType::none, false), &self(), FrameType::writable);
    if (!f.ok())
        return;
    Mfn mfn = mfn_of(*f.value());
    finish_flush();
    remember_writable(mfn);
    if (chance(70))
        for (unsigned i = 0; i < entries_per_table; ++i)
            table(mfn)[i] = Pte{};
    scribble(mfn, as);
    REQUIRE(put_frame_and_type(*f.value()).ok());
    if (as != FrameType::l2_top && chance(60))
        call_mmuext_op(static_cast<unsigned>(as) - 1 + MMUEXT_PIN_L1_TABLE, mfn);
}

// A write through what the processor remembers, whatever has become of the frame: check_processor says that it is no table.
void write_memory()
{
    Mfn mfn{ram_first + below(ram_end - ram_first)};
    if (maybe_writable(mfn) && frame_of(mfn).count != 0)
        scribble(mfn, some_table_type());
}

void random_mmu_update()
{
    std::vector<struct mmu_update> updates(1 + below(4));
    for (auto &u : updates) {
        Mfn mfn = some_frame(some_table_type());
        FrameType t = valid(mfn) && is_table(frame_of(mfn).type()) ? frame_of(mfn).type() : some_table_type();
        unsigned index = some_index(t);
        u.ptr = to_maddr(mfn, index * 8).raw() | (chance(90) ? 2 * below(2) : below(8));
        u.val = some_entry(t, index).raw();
    }
    constexpr std::uint32_t owners[] = {DOMID_SELF, DOMID_SELF, DOMID_SELF,  DOMID_IO,
                                        0,          1,          2 << 16 | 1, DOMID_SELF | 1 << 16};
    call_mmu_update(updates, owners[below(chance(80) ? 3 : 8)]);
}

void random_mmuext_op()
{
    std::vector<struct mmuext_op> ops(1 + below(2));
    for (auto &op : ops) {
        constexpr std::uint32_t common[] = {MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE,
                                            MMUEXT_UNPIN_TABLE,  MMUEXT_UNPIN_TABLE,  MMUEXT_NEW_BASEPTR};
        op.cmd = chance(85) ? common[below(6)] : below(24);
        FrameType wanted = op.cmd <= MMUEXT_PIN_L3_TABLE ? static_cast<FrameType>(op.cmd + 1)
            : op.cmd == MMUEXT_NEW_BASEPTR               ? FrameType::l3
                                                         : some_table_type();
        op.arg1.mfn = some_frame(wanted).raw();
        op.arg2.src_mfn = some_frame(FrameType::writable).raw();
    }
    constexpr std::uint32_t owners[] = {DOMID_SELF, 0, 1, DOMID_IO};
    call_mmuext_op(ops, owners[chance(80) ? 0 : below(4)]);
}

void random_va_mapping()
{
    std::uint32_t address = chance(95) ? below(4) << 30 | below(3) << 21 | some_index(FrameType::l1) << 12
                                       : random_word();
    constexpr std::uint32_t flags[] = {UVMF_NONE,
                                       UVMF_INVLPG,
                                       UVMF_TLB_FLUSH,
                                       UVMF_INVLPG | UVMF_ALL,
                                       UVMF_TLB_FLUSH | arena_address,
                                       3,
                                       UVMF_INVLPG | 0xf000'0000};
    call_update_va_mapping(address, some_entry(FrameType::l1, 0), flags[below(7)]);
}

void random_memory_op()
{
    std::vector<std::uint32_t> list(1 + below(3));
    for (auto &mfn : list)
        mfn = own_frame(self(), FrameType::writable, false).raw();
    switch (below(6)) {
    case 0:
    case 1: reservation(XENMEM_decrease_reservation, list, chance(90) ? 0 : below(20)); break;
    case 2:
    case 3: reservation(XENMEM_populate_physmap, list, chance(90) ? 0 : below(20)); break;
    case 4: reservation(XENMEM_increase_reservation, list, chance(80) ? 0 : 1); break;
    default: {
        std::vector<std::uint32_t> in{list[0], own_frame(self(), FrameType::none, false).raw()}, out{1};
        exchange(in, 0, out, 1);
    }
    }
}

// What set_gdt does: a frame in use as a descriptor table for a while.
void random_descriptor_frame()
{
    Mfn &slot = current().gdt_frames[below(3)];
    if (slot != Mfn{}) {
        REQUIRE(put_frame_and_type(frame_of(slot)).ok());
        slot = Mfn{};
    } else if (auto f = get_frame_and_type(some_frame(FrameType::none), &self(), FrameType::descriptor); f.ok()) {
        slot = mfn_of(*f.value());
    }
    finish_flush();
}

void step()
{
    switch (below(20)) {
    case 0:
    case 1: run(vcpus[below(3)]); break;
    case 2:
    case 3:
    case 4: prepare_table(); break;
    case 5:
    case 6: write_memory(); break;
    case 7: random_descriptor_frame(); break;
    case 8: random_memory_op(); break;
    case 9:
    case 10:
    case 11: random_mmuext_op(); break;
    case 12:
    case 13:
    case 14: random_va_mapping(); break;
    default: random_mmu_update();
    }
    observe();
}

void start()
{
    reset();
    make_space(vcpus[0], 60);
    make_space(vcpus[2], 60);
    Space second = make_space(vcpus[1], 20);
    static_cast<void>(second);
    run(vcpus[0]);
}

void destroy(Domain &d)
{
    d.dying = true;
    for (Vcpu *v : d.vcpus)
        for (Mfn *slot = v ? v->gdt_frames : nullptr; slot && slot != v->gdt_frames + 3; ++slot)
            if (*slot != Mfn{})
                REQUIRE(put_frame_and_type(frame_of(*slot)).ok());
    while (release_domain_memory(d).error() == Error::again) {}
    for (Domain **at = &domain_list; *at; at = &(*at)->next)
        if (*at == &d) {
            *at = d.next;
            break;
        }
}

struct Tally {
    unsigned tables[7] = {}, restarts = 0, flushes = 0;
};

void run_model(std::uint32_t which, unsigned steps, unsigned chance_of_preemption, Tally &tally)
{
    seed(which);
    start();
    preempt_chance = chance_of_preemption;
    for (unsigned i = 0; i < steps; ++i) {
        step();
        std::string why = check_processor();
        if (why.empty() && i % 8 == 0)
            why = check();
        INFO("seed " << which << " step " << i);
        if (!why.empty())
            FAIL(why);
        for (unsigned f = 0; i % 64 == 0 && f < frames; ++f)
            if (frame_table[f].type_count())
                ++tally.tables[static_cast<unsigned>(frame_table[f].type())];
    }
    tally.restarts += restarts;
    tally.flushes += flushes;
    REQUIRE(check() == "");
    run(vcpus[0]);
    destroy(domu);
    destroy(dom0);
    REQUIRE(free_frame_count() == ram_end - ram_first);
}

unsigned model_rounds()
{
    char const *text = std::getenv("MODEL_ROUNDS");
    return text ? static_cast<unsigned>(std::atoi(text)) : 60;
}

}  // namespace

TEST_CASE("random operations of two domains never break the page-type discipline")
{
    Tally tally;
    unsigned const steps = 5000;
    for (std::uint32_t i = 1; i <= model_rounds(); ++i)
        run_model(i, steps, i % 3 == 0 ? 0 : i % 3 == 1 ? 16 : 128, tally);
    // The run must have been worth it: every type occurred often, calls were interrupted, safety flushes happened.
    for (FrameType t :
         {FrameType::l1, FrameType::l2, FrameType::l3, FrameType::l2_top, FrameType::descriptor, FrameType::writable}) {
        INFO("type " << static_cast<unsigned>(t));
        CHECK(tally.tables[static_cast<unsigned>(t)] > 1000);
    }
    CHECK(tally.restarts > 1000);
    CHECK(tally.flushes > 1000);
    WARN(model_rounds() * steps << " steps, " << tally.restarts << " restarts, " << tally.flushes
                                << " flushes; tables seen: l1 " << tally.tables[1] << ", l2 " << tally.tables[2]
                                << ", l3 " << tally.tables[3] << ", top l2 " << tally.tables[6] << ", descriptor "
                                << tally.tables[4]);
}
