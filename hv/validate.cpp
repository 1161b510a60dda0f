// SPDX-License-Identifier: MIT
// The one validation path: how a frame becomes a table and stops being one.
//
//                      get_type                        last put_type
//        count 0  ----------------->  validated  ----------------------->  count 0
//           |  \     entries 0..511       ^          entries 511..0           ^
//           |   \                         |                |                  |
//           |    `-- preempted: partial --'                `-- preempted:     |
//           |         (progress kept)                           partial ------'
//           `------- an entry is refused: rejected, entries are given back, Error::inval
//
// Depth is bounded: an L3 names only L2s, an L2 only L1s, an L1 only memory (no linear page tables: a table that names one of its own
// level would need the frame to have two types). Work between two looks at preempt_requested() is at most one L1.
#include <hv/descriptor.hpp>
#include <hv/map.hpp>
#include <hv/memory.hpp>
#include <hv/tlb.hpp>
#include <hv/usual_entry.hpp>
#include <hv/validate.hpp>
#include <lib/panic.hpp>
#include <lib/x86/table_scan.hpp>

namespace hv {
namespace {

void set_type(Frame &f, FrameType t, std::uint32_t flags, std::uint32_t count)
{
    f.type_info = static_cast<std::uint32_t>(t) << Frame::type_shift | flags | count;
}

EntryOwners owners_of(Frame const &f)
{
    Domain *d = find_domain(static_cast<DomainId>((f.owner & 0xffff) - 1));
    ASSERT(d);
    return {d, d};
}

// A whole L1 or a page of descriptors is done in one go: that many units of work.
constexpr unsigned l1_work = 4, descriptor_page_work = 4;

bool long_table(FrameType t) { return t != FrameType::l1; }

// Takes the references of the usual entries of an L1 from `at` on, as far as they go; returns where.
[[gnu::noinline]] unsigned acquire_usual(Pte *table, unsigned at, UsualEntries &usual)
{
    auto const end = table + entries_per_table;
    auto slot = next_used(table + at, end);
    while (slot != end && usual.acquire(*slot))
        if (++slot == end || !slot->low())  // mostly the next is in use, too
            slot = next_used(slot, end);
    return static_cast<unsigned>(slot - table);
}

// Gives back those of the usual entries below `end`, from the top, as far as they go; returns where.
[[gnu::noinline]] unsigned release_usual(Pte *table, unsigned end)
{
    auto slot = end_of_used(table, table + end);
    while (slot != table && UsualEntries::release(slot[-1]))
        if (--slot == table || !slot[-1].low())
            slot = end_of_used(table, slot);
    return static_cast<unsigned>(slot - table);
}

// The next entry to be looked at alone. Most entries of most tables are empty: they hold nothing, and are passed over. Only the last of
// an L3 must not be.
unsigned next_to_acquire(Pte *table, FrameType type, unsigned at, UsualEntries &usual)
{
    if (type == FrameType::l1)
        return acquire_usual(table, at, usual);
    unsigned const end = guest_entries(type);
    return type == FrameType::l3 ? at : static_cast<unsigned>(next_used(table + at, table + end) - table);
}

// The same for giving back: one above it.
unsigned next_to_release(Pte *table, FrameType type, unsigned end)
{
    return type == FrameType::l1 ? release_usual(table, end)
                                 : static_cast<unsigned>(end_of_used(table, table + end) - table);
}

// Takes references for the entries from `done` up. On any error `done` says how far it got.
Result<> acquire_entries(Frame &f, FrameType type, unsigned &done)
{
    EntryOwners owners = owners_of(f);
    UsualEntries usual{owners};
    Mapped<Pte> table{mfn_of(f)};
    count_work(long_table(type) ? 0 : l1_work);
    unsigned start = done;
    unsigned const end = guest_entries(type);
    while ((done = next_to_acquire(table.get(), type, done, usual)) < end) {
        if (long_table(type) && done != start && table[done].present() && preempt_requested())
            return Error::again;
        Pte entry = table[done], stored = entry;
        TRY(acquire_entry(stored, type, done, owners));
        if (stored != entry)
            store_atomic(&table[done], stored);
        ++done;
    }
    if (type == FrameType::l2_top)
        __builtin_memcpy(&table[done], hypervisor_entries(), (entries_per_table - done) * sizeof(Pte));
    ++owners.table_owner->counters.tables_validated;
    return {};
}

// Gives back the references of the entries below `done`, from the top.
Result<> release_entries(Frame &f, FrameType type, unsigned &done)
{
    count_work(long_table(type) ? 0 : l1_work);
    Mapped<Pte> table{mfn_of(f)};
    unsigned start = done;
    while ((done = next_to_release(table.get(), type, done)) > 0) {
        if (long_table(type) && done != start && table[done - 1].present() && preempt_requested())
            return Error::again;
        TRY(release_entry(table[done - 1], type));
        --done;
    }
    return {};
}

Result<> check_descriptors(Frame &f)
{
    count_work(descriptor_page_work);
    Mapped<Descriptor> table{mfn_of(f)};
    for (unsigned i = 0; i < page_size / sizeof(Descriptor); ++i) {
        Descriptor d = table[i];
        if (!check_descriptor(d))
            return Error::inval;
        if (d != table[i])
            table[i] = d;
    }
    return {};
}

// A table with `count` references beside ours (0 or 1) could not be finished in this go.
void suspend(Frame &f, std::uint32_t flags, std::uint32_t count, unsigned done)
{
    bool held = f.is(Frame::partial) && count == 0;  // its reference on itself, from an earlier go
    if (count == 0 && !held)
        ++f.count;
    set_type(f, f.type(), Frame::partial | flags, count);
    f.progress = done;
}

void finish(Frame &f, std::uint32_t flags, std::uint32_t count, bool was_held)
{
    set_type(f, f.type(), flags, count);
    f.progress = flush_clock;
    if (was_held)
        put_frame(f);
}

// Takes apart what a refused or abandoned validation has done so far. Our own reference keeps the count above 0.
Result<> undo(Frame &f, std::uint32_t others, unsigned done)
{
    bool held = f.is(Frame::partial) && others == 0;
    std::uint32_t keep = f.type_info & (Frame::partial | Frame::pinned);
    set_type(f, f.type(), keep, others + 1);
    if (Result<> r = release_entries(f, f.type(), done); !r.ok()) {
        suspend(f, (keep & Frame::pinned) | Frame::rejected, others, done);
        return r;
    }
    if (others != 0) {  // its last user is about to leave, and will find nothing left to give back
        suspend(f, keep & Frame::pinned, others, 0);
        return {};
    }
    finish(f, 0, 0, held);
    return {};
}

// Precondition: the frame has that type (count 0: just set), and is not validated.
Result<> validate(Frame &f)
{
    FrameType type = f.type();
    std::uint32_t others = f.type_count();
    bool held = f.is(Frame::partial) && others == 0;
    unsigned done = f.is(Frame::partial) ? f.progress : 0;
    if (f.is(Frame::rejected)) {
        TRY(undo(f, others, done));
        return Error::inval;
    }
    std::uint32_t keep = f.type_info & (Frame::partial | Frame::pinned);
    set_type(f, type, keep, others + 1);  // while we look at it nothing else can become of it
    Result<> r = acquire_entries(f, type, done);
    if (r.ok()) {
        finish(f, Frame::validated | (keep & Frame::pinned), others + 1, held);
        return {};
    }
    set_type(f, type, keep, others);
    if (r.error() == Error::again) {
        suspend(f, keep & Frame::pinned, others, done);
        return r;
    }
    TRY(undo(f, others, done));
    return r;
}

// The frame has no references of its type left and gets another.
Result<> change_type(Frame &f, FrameType t)
{
    if (f.is(Frame::partial))
        TRY(undo(f, 0, f.progress));
    if (f.progress == flush_clock && f.type() != FrameType::none)
        flush_before_guest();
    set_type(f, t, 0, 0);
    return {};
}

Result<> first_reference(Frame &f, FrameType t)
{
    if (f.type() != t)
        TRY(change_type(f, t));
    if (is_table(t))
        return validate(f);
    if (t == FrameType::descriptor)
        TRY(check_descriptors(f));
    set_type(f, t, Frame::validated, 1);
    return {};
}

}  // namespace

Result<> get_type_validating(Frame &f, FrameType t)
{
    std::uint32_t count = f.type_count();
    if (count == 0)
        return first_reference(f, t);
    if (f.type() != t || count == Frame::type_count_mask)
        return Error::busy;
    return validate(f);
}

Result<> put_last_type(Frame &f)
{
    FrameType type = f.type();
    if (is_table(type)) {
        unsigned done = f.is(Frame::partial) ? f.progress : guest_entries(type);
        std::uint32_t keep = f.type_info & Frame::pinned;
        if (Result<> r = release_entries(f, type, done); !r.ok()) {
            suspend(f, keep, 1, done);
            return r;
        }
    }
    set_type(f, type, 0, 0);
    f.progress = flush_clock;
    return {};
}

Result<> abandon(Frame &f)
{
    if (f.type_count() != 0 || !f.is(Frame::partial))
        return {};
    return undo(f, 0, f.progress);
}

Result<Frame *> get_frame_and_type(Mfn mfn, Domain *d, FrameType t)
{
    Frame *f = TRY(get_frame(mfn, d));
    if (Result<> r = get_type(*f, t); !r.ok()) {
        put_frame(*f);
        return r.error();
    }
    return f;
}

Result<> put_frame_and_type(Frame &f)
{
    TRY(put_type(f));
    put_frame(f);
    return {};
}

Result<> pin_frame(Mfn mfn, Domain *d, FrameType t)
{
    Frame *f = TRY(get_frame_and_type(mfn, d, t));
    if (f->is(Frame::pinned)) {
        TRY(put_frame_and_type(*f));
        return Error::inval;
    }
    f->type_info |= Frame::pinned;
    return {};
}

// The pin goes only when nothing is left to do, so that a preempted call can simply be made again.
Result<> unpin_frame(Mfn mfn, Domain *d)
{
    Frame *f = TRY(get_frame(mfn, d));
    Result<> r = f->is(Frame::pinned) ? put_type(*f) : Result<>{Error::inval};
    if (r.ok()) {
        f->type_info &= ~Frame::pinned;
        put_frame(*f);
    }
    put_frame(*f);
    return r;
}

}  // namespace hv
