// SPDX-License-Identifier: MIT
#include "pv_fake.hpp"
#include "world.hpp"
#include <algorithm>
#include <arch/boot.hpp>
#include <cstring>
#include <kernel/interrupts.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/time/timer.hpp>
#include <map>
#include <pv/xen.h>
#include <pvlib/device/foreign.hpp>
#include <pvlib/device/grant.hpp>

namespace {
struct Grant {
    Pfn frame;
    pv::Access access;
};
std::map<grant_ref_t, Grant> table;
grant_ref_t next_ref = 8;
unsigned refused = 0;

grant_ref_t add(Pfn frame, pv::Access access)
{
    kernel::ref_frame(frame);
    table[next_ref] = {frame, access};
    return next_ref++;
}

void drop(grant_ref_t r)
{
    auto at = table.find(r);
    if (at == table.end())
        panic("a grant is ended that is not there");
    kernel::unref_frame(at->second.frame);
    table.erase(at);
}

char *side(gnttab_copy_ptr const &p, bool by_ref, bool writes, std::int16_t &status)
{
    if (!by_ref) {
        auto frame = arch::Mmu::to_pseudo(Mfn{p.u.gmfn});
        if (p.domid != DOMID_SELF)
            panic("a copy of somebody else's frame by its number");
        // Beyond our frames lies the heap of this process, where the sanitizer watches; a kernel's heap is in its frames.
        if (frame.raw() >= arch::Mmu::frames && !writes)
            return pointer_to<char>(arch::linear_base + (frame.raw() << page_shift));
        if (frame.raw() >= arch::Mmu::frames || kernel::frame_refs(frame) == 0)
            panic("a copy from or to a frame that nobody uses");
        return static_cast<char *>(kernel::frame_address(frame));
    }
    auto at = table.find(p.u.ref);
    if (at == table.end() || (writes && at->second.access == pv::Access::read_only)) {
        status = GNTST_bad_gntref;
        return nullptr;
    }
    return static_cast<char *>(kernel::frame_address(at->second.frame));
}
}  // namespace

std::size_t world::grants_out() { return table.size(); }
void world::refuse_grants(unsigned parts) { refused = parts; }

namespace pv {
Result<GrantRef> GrantRef::to(domid_t, Pfn frame, Access access)
{
    GrantRef r;
    r.ref_ = add(frame, access);
    return r;
}
void GrantRef::end()
{
    if (ref_ != none)
        drop(std::exchange(ref_, grant_ref_t{none}));
}

Result<GrantReserve> GrantReserve::make(domid_t other, unsigned count)
{
    GrantReserve r;
    r.other_ = other;
    r.refs_.reset(new grant_ref_t[count]);
    r.out_.reset(new grant_ref_t[count]);
    r.count_ = r.free_ = count;
    return r;
}
GrantReserve::~GrantReserve()
{
    for (unsigned i = 0; i < count_ - free_; ++i)
        drop(out_[i]);
}
void GrantReserve::swap(GrantReserve &o)
{
    std::swap(other_, o.other_);
    std::swap(refs_, o.refs_);
    std::swap(out_, o.out_);
    std::swap(count_, o.count_);
    std::swap(free_, o.free_);
}
grant_ref_t GrantReserve::grant(Pfn frame, Access access)
{
    if (!free_)
        panic("a reserve is empty");
    return out_[count_ - free_--] = add(frame, access);
}
bool GrantReserve::end(grant_ref_t r)
{
    auto end = out_.get() + (count_ - free_), at = std::find(out_.get(), end, r);
    if (at == end)
        panic("a grant is ended that was not given");
    *at = *--end;
    ++free_;
    drop(r);
    return true;
}

Result<GrantedPages> GrantedPages::make(domid_t other, unsigned count)
{
    GrantedPages g;
    auto frame = TRY(kernel::allocate_zeroed_frame());
    if (count != 1)
        panic("one page is enough here");
    g.address_ = kernel::frame_address(frame);
    g.refs_[0] = TRY(GrantRef::to(other, frame, Access::writable));
    g.count_ = 1;
    return g;
}
void GrantedPages::release()
{
    if (!count_)
        return;
    refs_[0].end();
    kernel::unref_frame(kernel::frame_of_address(address_));
    address_ = nullptr;
    count_ = 0;
}
void GrantedPages::swap(GrantedPages &o)
{
    std::swap(address_, o.address_);
    std::swap(count_, o.count_);
    std::swap(refs_[0], o.refs_[0]);
}

Result<ForeignPages> ForeignPages::map(std::span<ForeignRef const> refs, Layout)
{
    ForeignPages f;
    f.pages_.reset(new Page[1]);
    auto at = table.find(refs[0].ref);
    if (at == table.end())
        return Error::inval;
    kernel::ref_frame(at->second.frame);
    f.pages_[0] = {at->second.frame, 0};
    f.count_ = 1;
    return f;
}
void ForeignPages::unmap()
{
    if (count_)
        kernel::unref_frame(pages_[0].frame);
    count_ = 0;
}
void *ForeignPages::address(unsigned page) const { return kernel::frame_address(pages_[page].frame); }

Result<> grant_copy(std::span<gnttab_copy> all)
{
    for (auto &c : all) {
        c.status = GNTST_okay;
        if (refused && world::chance(1000) < refused) {
            c.status = GNTST_bad_gntref;
            continue;
        }
        if (c.source.offset + std::uint32_t{c.len} > page_size || c.dest.offset + std::uint32_t{c.len} > page_size) {
            c.status = GNTST_bad_copy_arg;
            continue;
        }
        auto from = side(c.source, c.flags & GNTCOPY_source_gref, false, c.status);
        auto to = side(c.dest, c.flags & GNTCOPY_dest_gref, true, c.status);
        if (from && to)
            std::memcpy(to + c.dest.offset, from + c.source.offset, c.len);
    }
    return {};
}
}  // namespace pv

// What event ports and their timers stand on: a hypercall that does nothing and succeeds. Which events were sent nobody asks.
asm(R"(
    .text
    .balign 4096
    .globl hypercall_page
hypercall_page:
    .rept 64
    .balign 32
    xor %eax, %eax
    ret
    .endr
)");

namespace kernel {
void detach_interrupt(arch::Line) {}
void Timer::arm(std::uint64_t deadline_ns) { deadline_ = deadline_ns; }
void Timer::cancel() {}
}  // namespace kernel
