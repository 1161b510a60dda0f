// SPDX-License-Identifier: MIT
#include "machine.hpp"
#include <cstdio>
#include <cstring>
#include <hv/boot.hpp>
#include <hv/cpu.hpp>
#include <hv/descriptor.hpp>
#include <hv/domain_list.hpp>
#include <hv/grant.hpp>
#include <hv/guest_copy.hpp>
#include <hv/heap.hpp>
#include <hv/hypercall.hpp>
#include <hv/map.hpp>
#include <hv/memory.hpp>
#include <hv/mmu.hpp>
#include <hv/percpu.hpp>
#include <hv/tlb.hpp>
#include <stdexcept>

using namespace hv;

namespace machine {

Domain dom0, domu;
Vcpu vcpus[3];
std::uint8_t arena[arena_bytes];
unsigned preempt_chance, flushes, restarts;

namespace {

alignas(4096) std::uint8_t memory[frames][page_size];
Frame frame_table_memory[frames];
std::uint32_t m2p_memory[frames];
Pte hypervisor_part[entries_per_table - guest_entries(FrameType::l2_top)];
Mfn root = no_mfn;
unsigned mapped;
std::uint32_t state = 1;

struct Restart {
    bool wanted;
    std::vector<std::uint32_t> arguments;
} restart;

struct Remembered {
    bool readable, writable;
    std::uint32_t owner;  // when it was
    FrameType table;      // none: not used as one
} remembered[frames];

void forget()
{
    ++flush_clock;
    flush_due = false;
    ++flushes;
    std::memset(static_cast<void *>(remembered), 0, sizeof remembered);
}

__attribute__((no_sanitize("address", "undefined"))) void remember(Mfn mfn, bool writable)
{
    if (mfn.raw() >= frames)
        return;
    Remembered &r = remembered[mfn.raw()];
    r.readable = true;
    r.writable |= writable;
    r.owner = frame_table_memory[mfn.raw()].owner;
}

// As the page walker reads a table: entries of the hypervisor's part are not looked at. Most of the model's time goes here.
bool looked[frames];
__attribute__((no_sanitize("address", "undefined"))) void look_at(Mfn mfn, FrameType type)
{
    Remembered &r = remembered[mfn.raw()];
    if (looked[mfn.raw()] && r.table == type)
        return;
    looked[mfn.raw()] = true;
    r.table = type;
    r.owner = frame_table_memory[mfn.raw()].owner;
    auto const *raw = reinterpret_cast<std::uint64_t const *>(memory[mfn.raw()]);
    for (unsigned i = 0, n = guest_entries(type); i < n; ++i) {
        std::uint32_t low = static_cast<std::uint32_t>(raw[i]);
        if (!(low & Pte::P) || Pte{raw[i]}.frame().raw() >= frames)
            continue;
        Pte e{raw[i]};
        if (type == FrameType::l1)
            remember(e.frame(), e.has(Pte::RW));
        else if (type == FrameType::l3)
            look_at(e.frame(), i == 3 ? FrameType::l2_top : FrameType::l2);
        else
            look_at(e.frame(), FrameType::l1);
    }
}

template <class Call>
std::int32_t until_done(std::vector<std::uint32_t> arguments, Call call)
{
    for (;;) {
        restart = {};
        std::int32_t r = call(arguments);
        finish_flush();  // as on the way back to the guest
        if (mapped != 0)
            throw std::runtime_error("a frame mapping was not given back");
        observe();
        if (!restart.wanted)
            return r;
        ++restarts;
        for (std::size_t i = 0; i < restart.arguments.size(); ++i)
            arguments[i] = restart.arguments[i];
    }
}

std::uint32_t put(std::uint32_t offset, void const *from, std::size_t bytes)
{
    if (offset + bytes > arena_bytes)
        throw std::runtime_error("the arena is too small");
    if (bytes)
        std::memcpy(arena + offset, from, bytes);
    return arena_address + offset;
}

}  // namespace

void reset()
{
    while (domain_list)
        unlink_domain(*domain_list);
    dom0 = Domain{};
    domu = Domain{};
    for (Vcpu &v : vcpus)
        v = Vcpu{};
    domu.id = 1;
    dom0.serial = 1, domu.serial = 2;
    link_domain(dom0);
    link_domain(domu);
    dom0.privileged = true;
    dom0.max_pages = domu.max_pages = ~0u;
    dom0.vcpu_count = 2;
    domu.vcpu_count = 1;
    for (unsigned i = 0; i < 3; ++i)
        (i < 2 ? dom0 : domu).vcpus[i % 2] = &vcpus[i];
    for (unsigned i = 0; i < 3; ++i)
        vcpus[i].domain = i < 2 ? &dom0 : &domu;
    this_cpu().current = &vcpus[0];
    this_cpu().idle = false;
    root = no_mfn;
    for (unsigned i = ram_first; i < ram_end; ++i)
        std::memset(memory[i], 0, page_size);
    while (take_block(0).ok()) {}
    frames_init(frame_table_memory, m2p_memory, frames);
    heap_init(memory[heap_first], Mfn{heap_first}, heap_frames);
    reserve_hypervisor_frames(Mfn{heap_first}, heap_frames);
    add_free_frames(Mfn{ram_first}, ram_end - ram_first);
    for (unsigned i = 0; i < std::size(hypervisor_part); ++i)
        hypervisor_part[i] = Pte{Mfn{heap_first + i % heap_frames}, Pte::P | Pte::RW};
    if (!create_grant_table(dom0, -1, -1).ok() || !create_grant_table(domu, -1, -1).ok())
        throw std::runtime_error("no room for grant tables");
    preempt_chance = flushes = restarts = 0;
    forget();
}

void run(Vcpu &v)
{
    this_cpu().current = &v;
    load_page_tables(v);
    observe();
}

Pte *table(Mfn mfn) { return reinterpret_cast<Pte *>(memory[mfn.raw()]); }

void seed(std::uint32_t s) { state = s * 2654435761u + 1; }
std::uint32_t random_word()
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

void observe()
{
    std::memset(looked, 0, sizeof looked);
    if (root != no_mfn)
        look_at(root, FrameType::l3);
    for (unsigned i = 0; i < frames; ++i)
        if (remembered[i].table != FrameType::none)
            look_at(Mfn{i}, remembered[i].table);
}

void remember_writable(Mfn mfn) { remember(mfn, true); }
bool maybe_writable(Mfn mfn) { return remembered[mfn.raw()].writable; }

std::string check_processor()
{
    for (unsigned i = 0; i < frames; ++i) {
        Remembered const &r = remembered[i];
        Frame const &f = frame_table[i];
        bool used = f.type_count() != 0, table_type = is_table(f.type()) || f.type() == FrameType::descriptor;
        char const *why = nullptr;
        if (!r.readable && r.table == FrameType::none)
            continue;
        if (f.owner & frame_is_hypervisor)
            why = "is the hypervisor's";
        else if (f.count && f.owner != r.owner && (f.owner & 0xffff) != DOMID_INVALID + 1u)  // dead ones' are nobody's
            why = "has another owner";
        else if (r.writable && used && table_type)
            why = "could be written and is a table";
        else if (r.table != FrameType::none && used && f.type() != r.table)
            why = "could be walked as a table and is of another type";
        if (why) {
            char text[160];
            std::snprintf(text, sizeof text, "the processor remembers frame %u, which %s (type_info %08x count %x)", i,
                          why, f.type_info, f.count);
            return text;
        }
    }
    return {};
}

std::int32_t call_mmu_update(std::vector<struct mmu_update> const &updates, std::uint32_t domain, std::uint32_t *done)
{
    std::uint32_t list = put(16, updates.data(), updates.size() * sizeof updates[0]), zero = 0;
    std::uint32_t done_at = put(0, &zero, sizeof zero);
    auto r = until_done({list, static_cast<std::uint32_t>(updates.size()), done_at, domain},
                        [](auto const &a) { return do_mmu_update(a[0], a[1], a[2], a[3]); });
    if (done)
        std::memcpy(done, arena, sizeof *done);
    return r;
}

std::int32_t call_mmuext_op(std::vector<struct mmuext_op> const &ops, std::uint32_t domain, std::uint32_t *done)
{
    std::uint32_t list = put(16, ops.data(), ops.size() * sizeof ops[0]), zero = 0;
    std::uint32_t done_at = put(0, &zero, sizeof zero);
    auto r = until_done({list, static_cast<std::uint32_t>(ops.size()), done_at, domain},
                        [](auto const &a) { return do_mmuext_op(a[0], a[1], a[2], a[3]); });
    if (done)
        std::memcpy(done, arena, sizeof *done);
    return r;
}

std::int32_t call_mmuext_op(std::uint32_t cmd, Mfn mfn, std::uint32_t second)
{
    struct mmuext_op op {};
    op.cmd = cmd;
    op.arg1.mfn = mfn.raw();
    op.arg2.src_mfn = second;
    return call_mmuext_op(std::vector{op});
}

std::int32_t call_grants(unsigned cmd, void *ops, std::size_t count, std::size_t bytes)
{
    std::uint32_t list = put(16, ops, bytes);
    auto r = until_done({cmd, list, static_cast<std::uint32_t>(count)},
                        [](auto const &a) { return do_grant_table_op(a[0], a[1], a[2]); });
    std::memcpy(ops, arena + 16, bytes);
    return r;
}

std::int32_t call_event(unsigned cmd, void *op, std::size_t bytes)
{
    std::uint32_t at = put(16, op, bytes);
    auto r = until_done({cmd, at}, [](auto const &a) { return do_event_channel_op(a[0], a[1]); });
    std::memcpy(op, arena + 16, bytes);
    return r;
}

std::int32_t call_update_va_mapping(std::uint32_t address, Pte value, std::uint32_t flags, std::uint32_t domain)
{
    auto low = static_cast<std::uint32_t>(value.raw()), high = static_cast<std::uint32_t>(value.raw() >> 32);
    if (domain != DOMID_SELF)
        return until_done({address, low, high, flags, domain},
                          [](auto const &a) { return do_update_va_mapping_otherdomain(a[0], a[1], a[2], a[3], a[4]); });
    return until_done({address, low, high, flags},
                      [](auto const &a) { return do_update_va_mapping(a[0], a[1], a[2], a[3]); });
}

std::int32_t reservation(unsigned op, std::vector<std::uint32_t> &list, unsigned order, std::uint32_t domain)
{
    xen_memory_reservation r{};
    std::uint32_t at = put(256, list.data(), list.size() * 4);
    r.extent_start = reinterpret_cast<xen_pfn_t *>(static_cast<std::uintptr_t>(at));
    r.nr_extents = list.size();
    r.extent_order = order;
    r.domid = static_cast<domid_t>(domain);
    std::uint32_t arg = put(0, &r, sizeof r);
    auto result = until_done({op, arg}, [](auto const &a) { return do_memory_op(a[0], a[1]); });
    std::memcpy(list.data(), arena + 256, list.size() * 4);
    return result;
}

std::int32_t exchange(std::vector<std::uint32_t> const &in, unsigned in_order, std::vector<std::uint32_t> &out,
                      unsigned out_order)
{
    xen_memory_exchange x{};
    auto fill = [](xen_memory_reservation &r, std::uint32_t at, std::size_t n, unsigned order) {
        r.extent_start = reinterpret_cast<xen_pfn_t *>(static_cast<std::uintptr_t>(at));
        r.nr_extents = n;
        r.extent_order = order;
        r.domid = DOMID_SELF;
    };
    fill(x.in, put(256, in.data(), in.size() * 4), in.size(), in_order);
    fill(x.out, put(4096, out.data(), out.size() * 4), out.size(), out_order);
    std::uint32_t arg = put(0, &x, sizeof x);
    auto result = until_done({XENMEM_exchange, arg}, [](auto const &a) { return do_memory_op(a[0], a[1]); });
    std::memcpy(out.data(), arena + 4096, out.size() * 4);
    return result;
}

Mfn new_frame(Domain &d)
{
    auto f = allocate_domain_frames(d, 0);
    if (!f.ok())
        throw std::runtime_error("out of frames");
    return f.value();
}

void retire(Domain &d)
{
    free_grant_table(d);
    unlink_domain(d);
}

Space make_space(Vcpu &v, unsigned count, unsigned l1_count)
{
    Space s;
    Domain &d = *v.domain;
    std::vector<Mfn> all;
    for (unsigned i = 0; i < count; ++i) {
        all.push_back(new_frame(d));
        set_m2p(all.back(), i);
    }
    s.l3 = all[0];
    for (unsigned i = 0; i < 4; ++i) {
        s.l2[i] = all[1 + i];
        table(s.l3)[i] = Pte{s.l2[i], Pte::P};
    }
    for (unsigned i = 0; i < l1_count; ++i) {
        s.l1.push_back(all[5 + i]);
        table(s.l2[0])[i] = Pte{s.l1[i], Pte::P | Pte::RW | Pte::US | Pte::A};
    }
    for (unsigned i = 0; i < count; ++i)
        table(s.l1[i / entries_per_table])[i % entries_per_table] = Pte{
            all[i], Pte::P | Pte::A | (i < 5 + l1_count ? 0 : std::uint64_t{Pte::RW})};
    this_cpu().current = &v;
    if (call_mmuext_op(MMUEXT_PIN_L3_TABLE, s.l3) != 0 || call_mmuext_op(MMUEXT_NEW_BASEPTR, s.l3) != 0)
        throw std::runtime_error("the first tables were refused");
    return s;
}

}  // namespace machine

// --- what the hypervisor expects of its machine ------------------------------------------------------------------------------------

void panic(char const *format, ...)
{
    char text[300];
    std::va_list args;
    va_start(args, format);
    std::vsnprintf(text, sizeof text, format, args);
    va_end(args);
    throw std::runtime_error(text);
}

extern "C" {
std::uint32_t boot_nx = 1;
}

namespace hv {

std::uint32_t flush_clock;
bool flush_due;
BootInfo boot_info;

void *map_frame(Mfn mfn)
{
    if (mfn.raw() >= machine::frames)
        panic("map_frame(%u)", mfn.raw());
    ++machine::mapped;
    return machine::memory[mfn.raw()];
}
void unmap_frame(void *) { --machine::mapped; }

void clear_frame(void *page) { std::memset(page, 0, page_size); }

void flush_before_guest() { flush_due = true; }
void flush_tlb() { machine::forget(); }
void flush_tlb_page(std::uint32_t) {}
void load_root(Mfn l3)
{
    machine::root = l3;
    machine::forget();
}
void load_idle_root() { load_root(no_mfn); }
Mfn loaded_root() { return machine::root; }
void flush_caches() {}
bool holds_messages(Mfn) { return false; }
Pte const *hypervisor_entries() { return machine::hypervisor_part; }

bool preempt_requested()
{
    if (machine::random_word() % 8 == 0)
        machine::observe();  // the processor may fill its caches at any time, not only between hypercalls
    return machine::random_word() % 256 < machine::preempt_chance;
}
void count_work(unsigned) {}
std::int32_t continue_hypercall(std::initializer_list<std::uint32_t> arguments)
{
    machine::restart.wanted = true;
    machine::restart.arguments = arguments;
    return 0;
}

Result<> set_ldt(Vcpu &, std::uint32_t, std::uint32_t) { return {}; }
void release_ldt(Vcpu &) {}

std::size_t copy_from_guest(void *to, std::uint32_t address, std::size_t bytes)
{
    std::uint32_t offset = address - machine::arena_address;
    if (offset > machine::arena_bytes || bytes > machine::arena_bytes - offset)
        return bytes;
    finish_flush();
    std::memcpy(to, machine::arena + offset, bytes);
    return 0;
}
std::size_t copy_to_guest(std::uint32_t address, void const *from, std::size_t bytes)
{
    std::uint32_t offset = address - machine::arena_address;
    if (offset > machine::arena_bytes || bytes > machine::arena_bytes - offset)
        return bytes;
    finish_flush();
    std::memcpy(machine::arena + offset, from, bytes);
    return 0;
}

}  // namespace hv
