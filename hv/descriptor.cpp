// SPDX-License-Identifier: MIT
// GDT, LDT, TSS and the direct gate of the vCPU that has the processor, and the hypercalls that change them.
//
//   a vCPU's descriptor window (layout.hpp)                    GDTR -> window, limit 0xefff
//   page  0 ... 13 | 14                     | 15 | 16 ... 31
//         guest's  | reserved_gdt (shared)  | -  | LDT, mapped when first touched
#include <hv/cpu.hpp>
#include <hv/descriptor.hpp>
#include <hv/frames.hpp>
#include <hv/guest_copy.hpp>
#include <hv/guest_traps.hpp>
#include <hv/hypercall.hpp>
#include <hv/map.hpp>
#include <hv/memory.hpp>
#include <hv/percpu.hpp>
#include <hv/tables.hpp>
#include <hv/trap.hpp>
#include <lib/x86/priv.hpp>
#include <lib/x86/pte.hpp>
#include <pv/xen.h>

namespace hv {
namespace {

constexpr unsigned guest_gdt_pages = FIRST_RESERVED_GDT_PAGE;
constexpr unsigned max_ldt_entries = 8192;

Result<> take_descriptor_frames(Domain &d, std::uint32_t const *mfns, unsigned count)
{
    for (unsigned i = 0; i < count; ++i) {
        auto frame = get_frame_and_type(Mfn{mfns[i]}, &d, FrameType::descriptor);
        if (frame.ok())
            continue;
        while (i--)
            static_cast<void>(put_frame_and_type(frame_of(Mfn{mfns[i]})));
        return frame.error();
    }
    return {};
}

// Stores a descriptor in a frame of the domain's that may hold one: a descriptor table, or a page it may write anyway.
Result<> store_descriptor(Domain &d, Maddr where, Descriptor value)
{
    Frame &frame = *TRY(get_frame(to_mfn(where), &d));
    Result<> typed = get_type(frame, FrameType::writable);
    if (!typed.ok())
        typed = get_type(frame, FrameType::descriptor);
    if (typed.ok()) {
        Mapped<Pte> page{to_mfn(where)};  // eight bytes at once, as the processor may read it any time
        store_atomic(&page[page_offset(where) / sizeof(Descriptor)], Pte{value.raw()});
        static_cast<void>(put_type(frame));
    }
    put_frame(frame);
    return typed;
}

}  // namespace

Result<> set_gdt(Vcpu &v, std::uint32_t const *mfns, std::uint32_t entries)
{
    unsigned pages = gdt_pages(entries);
    TRY(take_descriptor_frames(*v.domain, mfns, pages));
    release_gdt(v);
    for (unsigned i = 0; i < pages; ++i) {
        v.gdt_frames[i] = Mfn{mfns[i]};
        map_descriptor_window(v, i, v.gdt_frames[i]);
    }
    v.gdt_entries = entries;
    return {};
}

bool check_ring1_selector(Selector &s, bool code)
{
    if (s.is_null())
        return false;
    s = Selector{static_cast<std::uint16_t>((s.raw() & ~3u) | 1)};
    if (s.in_ldt() || s.raw() < first_reserved_selector)
        return true;
    return s.raw() == (code ? FLAT_RING1_CS : FLAT_RING1_DS);
}

bool map_ldt_page(Vcpu &v, std::uint32_t address)
{
    std::uint32_t page = (address - window_ldt(v.window)) >> page_shift;
    if (address < window_ldt(v.window) || page >= 16 || page * descriptors_per_page >= v.ldt_entries)
        return false;
    if (v.ldt_pages_mapped >> page & 1)
        return false;
    auto mfn = guest_frame_at(v, v.ldt_base + page * page_size);
    if (!mfn.ok() || !get_frame_and_type(mfn.value(), v.domain, FrameType::descriptor).ok())
        return false;
    v.ldt_frames[page] = mfn.value();
    v.ldt_pages_mapped = static_cast<std::uint16_t>(v.ldt_pages_mapped | 1u << page);
    map_descriptor_window(v, first_ldt_page + page, mfn.value());
    return true;
}

void release_ldt(Vcpu &v)
{
    for (unsigned i = 0; v.ldt_pages_mapped; ++i) {
        if (!(v.ldt_pages_mapped >> i & 1))
            continue;
        unmap_descriptor_window(v, first_ldt_page + i);
        v.ldt_pages_mapped = static_cast<std::uint16_t>(v.ldt_pages_mapped & ~(1u << i));
        static_cast<void>(put_frame_and_type(frame_of(v.ldt_frames[i])));
    }
}

void release_gdt(Vcpu &v)
{
    unsigned pages = gdt_pages(v.gdt_entries);
    v.gdt_entries = 0;
    for (unsigned i = 0; i < pages; ++i) {
        unmap_descriptor_window(v, i);
        static_cast<void>(put_frame_and_type(frame_of(v.gdt_frames[i])));
        v.gdt_frames[i] = Mfn{};
    }
}

Result<> set_ldt(Vcpu &v, std::uint32_t base, std::uint32_t entries)
{
    if (entries > max_ldt_entries || (entries && (base & ~page_mask)))
        return Error::inval;
    if (!guest_range_ok(base, entries, sizeof(Descriptor)))
        return Error::inval;
    release_ldt(v);
    v.ldt_base = entries ? base : 0;
    v.ldt_entries = entries;
    if (&v == this_cpu().current)
        load_ldt(v);
    return {};
}

Descriptor *descriptor_slot(Vcpu &v, Selector s)
{
    std::uint32_t offset = s.index() * static_cast<std::uint32_t>(sizeof(Descriptor));
    if (s.is_null())
        return nullptr;
    if (s.in_ldt()) {
        std::uint32_t linear = window_ldt(v.window) + offset;
        bool mapped = v.ldt_pages_mapped >> (s.index() / descriptors_per_page) & 1;
        if (s.index() >= v.ldt_entries || (!mapped && !map_ldt_page(v, linear)))
            return nullptr;
        return pointer_to<Descriptor>(Vaddr{linear});
    }
    unsigned pages = gdt_pages(v.gdt_entries);
    if (s.index() >= pages * descriptors_per_page)
        return nullptr;
    return pointer_to<Descriptor>(Vaddr{window_gdt(v.window) + offset});
}

Result<Descriptor> read_descriptor(Vcpu &v, Selector s)
{
    if (!s.in_ldt() && s.raw() >= first_reserved_selector)
        if (auto flat = flat_segment(s); flat.present())
            return flat;
    Descriptor const *slot = descriptor_slot(v, s);
    if (!slot || !slot->present())
        return Error::inval;
    return *slot;
}

std::int32_t do_set_gdt(std::uint32_t frames, std::uint32_t entries)
{
    std::uint32_t mfns[guest_gdt_pages] = {};
    if (entries > FIRST_RESERVED_GDT_ENTRY)
        return -static_cast<std::int32_t>(Error::inval);
    std::uint32_t pages = gdt_pages(entries);
    if (copy_from_guest(mfns, frames, pages * sizeof mfns[0]))
        return -static_cast<std::int32_t>(Error::fault);
    return to_errno(set_gdt(current(), mfns, entries));
}

std::int32_t do_update_descriptor(std::uint32_t address_low, std::uint32_t address_high, std::uint32_t low,
                                  std::uint32_t high)
{
    Maddr where{std::uint64_t{address_high} << 32 | address_low};
    Descriptor value{std::uint64_t{high} << 32 | low};
    bool beyond = where.raw() >> (32 + page_shift) != 0;
    if (beyond || where.raw() % sizeof(Descriptor) || !valid(to_mfn(where)) || !check_descriptor(value))
        return -static_cast<std::int32_t>(Error::inval);
    return to_errno(store_descriptor(current_domain(), where, value));
}

std::int32_t do_stack_switch(std::uint32_t ss, std::uint32_t esp)
{
    Selector selector{static_cast<std::uint16_t>(ss)};
    if (!check_ring1_selector(selector, false))
        return -static_cast<std::int32_t>(Error::inval);
    Vcpu &v = current();
    v.kernel_ss = selector;
    v.kernel_esp = esp;
    this_cpu().tss.ss1 = selector.raw();
    this_cpu().tss.esp1 = esp;
    return 0;
}

}  // namespace hv
