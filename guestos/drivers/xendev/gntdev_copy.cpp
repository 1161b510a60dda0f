// SPDX-License-Identifier: MIT
// IOCTL_GNTDEV_GRANT_COPY: each segment has a granted page on at least one side; the program's side may cross pages and is cut there.
// A segment's status is that of its first piece that failed.
#include <arch/mmu.hpp>
#include <drivers/xendev/gntdev.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/process/process.hpp>
#include <pvlib/device/foreign.hpp>

namespace xendev {
namespace {
using kernel::UserPtr;
using Segment = ioctl_gntdev_grant_copy_segment;
constexpr std::uint32_t most_segments = 1024;

// The frame of a page of the running process that can be read, or written, with a reference.
Result<Pfn> hold_page(Vaddr page, bool write)
{
    auto &memory = *kernel::current().memory;
    for (unsigned tries = 0; tries < 4; ++tries) {
        arch::Mapping m;
        if (memory.device_tables().lookup(page, m) && (!write || (m.protection & arch::prot_write))) {
            kernel::ref_frame(m.frame);
            return m.frame;
        }
        if (!memory.fault(page, write, false).ok())
            return Error::fault;
    }
    return Error::fault;
}

struct Side {
    bool granted;
    domid_t domain;
    grant_ref_t ref;
    std::uint16_t offset;
    Vaddr address;
};

Side side_of(decltype(Segment::source) const &s, bool granted)
{
    if (granted)
        return {true, s.foreign.domid, s.foreign.ref, s.foreign.offset, {}};
    return {false, DOMID_SELF, 0, static_cast<std::uint16_t>(page_offset(vaddr_of(s.virt))), vaddr_of(s.virt)};
}

// How much of the next n bytes lies in this side's page.
std::uint32_t room(Side const &s, std::uint32_t n)
{
    auto left = page_size - s.offset;
    return n < left ? n : left;
}

void advance(Side &s, std::uint32_t n)
{
    s.offset = static_cast<std::uint16_t>((s.offset + n) % page_size);
    if (!s.granted)
        s.address += n;
}

// One piece, within a page on both sides.
Result<std::int16_t> copy_piece(Side const &from, Side const &to, std::uint32_t n)
{
    Pfn held[2] = {no_pfn, no_pfn};
    gnttab_copy op{};
    auto put = [&](gnttab_copy_ptr &p, Side const &s, bool write, Pfn &hold) -> Result<> {
        p.domid = s.domain;
        p.offset = s.offset;
        if (s.granted) {
            p.u.ref = s.ref;
            return {};
        }
        hold = TRY(hold_page(page_floor(s.address), write));
        p.u.gmfn = arch::Mmu::to_machine(hold).raw();
        return {};
    };
    auto ready = put(op.source, from, false, held[0]);
    if (ready.ok())
        ready = put(op.dest, to, true, held[1]);
    op.len = static_cast<std::uint16_t>(n);
    op.flags = static_cast<std::uint16_t>((from.granted ? GNTCOPY_source_gref : 0) | (to.granted ? GNTCOPY_dest_gref : 0));
    op.status = GNTST_general_error;
    if (ready.ok())
        ready = pv::grant_copy({&op, 1});
    for (auto f : held)
        if (f != no_pfn)
            kernel::unref_frame(f);
    if (!ready.ok())
        return ready.error();
    return op.status;
}

Result<std::int16_t> copy_segment(Segment const &s)
{
    auto from = side_of(s.source, (s.flags & GNTCOPY_source_gref) != 0);
    auto to = side_of(s.dest, (s.flags & GNTCOPY_dest_gref) != 0);
    if (!from.granted && !to.granted)
        return Error::inval;
    bool too_long = (from.granted && from.offset + s.len > static_cast<int>(page_size))
        || (to.granted && to.offset + s.len > static_cast<int>(page_size));
    if (too_long)
        return Error::inval;
    for (std::uint32_t left = s.len; left;) {
        auto n = room(to, room(from, left));
        auto status = TRY(copy_piece(from, to, n));
        if (status != GNTST_okay)
            return status;
        advance(from, n);
        advance(to, n);
        left -= n;
    }
    return std::int16_t{GNTST_okay};
}
}  // namespace

Result<> copy_segments(std::uint32_t argument)
{
    auto q = TRY(UserPtr<ioctl_gntdev_grant_copy>{argument}.read());
    if (q.count > most_segments)
        return Error::inval;
    UserPtr<Segment> segments{vaddr_of(q.segments).raw()};
    for (std::uint32_t i = 0; i < q.count; ++i) {
        auto s = TRY((segments + i).read());
        s.status = TRY(copy_segment(s));
        TRY((segments + i).write(s));
    }
    return {};
}
}  // namespace xendev
