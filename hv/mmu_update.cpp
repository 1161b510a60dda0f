// SPDX-License-Identifier: MIT
// mmu_update: a batch of stores into page tables, each validated.
//
// A store takes the new entry's references, stores, then gives the old entry's back: at no instant does a table hold an
// entry without its references. The guest flushes its own TLB; the hypervisor flushes where its safety needs it (tlb.hpp).
#include <algorithm>
#include <hv/cpu.hpp>
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/map.hpp>
#include <hv/memory.hpp>
#include <hv/mmu.hpp>
#include <hv/tlb.hpp>
#include <hv/usual_entry.hpp>

namespace hv {

Lock mmu_lock;

namespace {

Result<> update_upper(Frame &table, unsigned index, Pte value, EntryOwners owners, bool preserve)
{
    FrameType type = table.type();
    TRY(acquire_entry(value, type, index, {owners.table_owner, owners.table_owner}));
    Pte old = exchange_entry(&Mapped<Pte>{mfn_of(table)}[index], value, preserve && type != FrameType::l3);
    if (!old.present())
        return {};
    // The processor keeps the four L3 entries from the moment CR3 is loaded.
    if (type == FrameType::l3 && loaded_root() == mfn_of(table))
        flush_tlb();
    put_table_later(current(), frame_of(old.frame()));
    return {};
}

// Memory that no validated table occupies: a store like any other, allowed where the guest could map it writable.
Result<> update_memory(Frame &f, std::uint32_t offset, Pte value, bool preserve)
{
    TRY(get_type(f, FrameType::writable));
    exchange_entry(&Mapped<Pte>{mfn_of(f)}[offset / sizeof(Pte)], value, preserve);
    return put_type(f);
}

// The processor neither follows nor changes an entry that is not present; of that the upper half does not matter to it until the
// lower one says "present".
void store_into_empty(Pte *slot, Pte value)
{
    auto halves = reinterpret_cast<std::uint32_t volatile *>(slot);
    halves[1] = value.high();
    halves[0] = value.low();
}

// Of one that is present it changes the lower half only: that must be exchanged, if the upper one stays or becomes meaningless.
[[gnu::noinline]] void replace(Pte *slot, Pte value)
{
    auto halves = reinterpret_cast<std::uint32_t volatile *>(slot);
    std::uint32_t low = value.low(), high = halves[1];
    Pte old;
    if ((low & Pte::P) && value.high() != high) {
        old = exchange_entry(slot, value, false);
    } else {
        asm volatile("xchg %0, %1" : "+r"(low), "+m"(halves[0]));
        halves[1] = value.high();
        old = Pte{std::uint64_t{high} << 32 | low};
    }
    if (!UsualEntries::release(old))
        static_cast<void>(release_entry(old, FrameType::l1));  // memory: always at once
}

void store_usual(Pte *slot, Pte value)
{
    if (slot->low() & Pte::P)
        replace(slot, value);
    else
        store_into_empty(slot, value);
}

// Most batches fill one L1. Its references and its mapping are kept from one update to the next; anything else lets go of it first,
// so an update that takes the table out of use finds no more references than there would be otherwise.
class HeldL1 {
public:
    explicit HeldL1(EntryOwners owners) : owners_{owners}, usual_{owners} {}
    HeldL1(HeldL1 const &) = delete;
    HeldL1 &operator=(HeldL1 const &) = delete;
    ~HeldL1() { release(); }

    bool is(Mfn mfn) const { return entries_ && mfn == mfn_; }
    // Is it an MMU_NORMAL_PT_UPDATE of the table that is held?
    bool is_plain(mmu_update const &u) const { return (u.ptr & ~std::uint64_t{page_size - sizeof(Pte)}) == address_; }
    // Lets go of what is held, and holds the table that is to be updated, if it is an L1 in use.
    void take(mmu_update const &u)
    {
        release();
        bool table_update = (u.ptr & (sizeof(Pte) - 1)) != MMU_MACHPHYS_UPDATE && !(u.ptr >> (page_shift + 32));
        auto frame = table_update ? get_frame(to_mfn(Maddr{u.ptr}), owners_.table_owner) : Error::inval;
        if (!frame.ok())
            return;
        Frame &f = *frame.value();
        bool in_use = f.type() == FrameType::l1 && f.is(Frame::validated) && f.type_count() != 0
            && get_type(f, FrameType::l1).ok();
        if (!in_use)
            return put_frame(f);
        mfn_ = mfn_of(f);
        address_ = to_maddr(mfn_).raw();
        entries_ = static_cast<Pte *>(map_frame(mfn_));
    }
    void release()
    {
        if (!entries_)
            return;
        unmap_frame(entries_);
        entries_ = nullptr;
        address_ = nowhere;
        static_cast<void>(put_frame_and_type(frame_of(mfn_)));  // not the last: the count was above 0 before
    }
    // Makes the usual updates at the head of [u, end); returns the first that is not one. A loop of its own: it has the registers to itself.
    [[gnu::noinline]] mmu_update const *update_usual(mmu_update const *u, mmu_update const *end)
    {
        for (; u != end && is_plain(*u); ++u) {
            Pte value{u->val};
            if (value.present() && !usual_.acquire(value))
                break;
            Pte *slot = &entries_[page_offset(Maddr{u->ptr}) / sizeof(Pte)];
            store_usual(slot, value);
        }
        return u;
    }
    Result<> update(unsigned index, Pte value, bool preserve) const
    {
        TRY(acquire_entry(value, FrameType::l1, index, owners_));
        return release_entry(exchange_entry(&entries_[index], value, preserve), FrameType::l1);
    }

private:
    static constexpr std::uint64_t nowhere = ~0ull;  // no page begins there
    EntryOwners owners_;
    UsualEntries usual_;
    Mfn mfn_;
    std::uint64_t address_ = nowhere;
    Pte *entries_ = nullptr;
};

// A batch of one usual update of an L1 of the caller's that is in use: what a page fault needs. Nothing comes between its steps, so the
// table is not held meanwhile. False: it is another batch, and nothing has happened.
[[gnu::noinline]] bool update_alone(std::uint32_t updates)
{
    mmu_update u;
    Domain &caller = current_domain();
    UsualEntries usual{{&caller, &caller}};
    if (copy_from_guest(&u, updates, sizeof u) || (u.ptr & (sizeof(Pte) - 1)) || u.ptr >> (page_shift + 32))
        return false;
    Mfn mfn = to_mfn(Maddr{u.ptr});
    if (!valid(mfn))
        return false;
    Frame &f = frame_of(mfn);
    Pte value{u.val};
    bool in_use = f.type() == FrameType::l1 && f.is(Frame::validated) && f.type_count() != 0;
    if (f.owner != owner_id(caller) || !in_use || (value.present() && !usual.acquire(value)))
        return false;
    count_work(1);
    auto entries = static_cast<Pte *>(map_frame(mfn));
    store_usual(&entries[page_offset(Maddr{u.ptr}) / sizeof(Pte)], value);
    unmap_frame(entries);
    return true;
}

Result<> update_entry(mmu_update const &u, Mfn mfn, EntryOwners owners, HeldL1 const &held)
{
    bool preserve = (u.ptr & (sizeof(Pte) - 1)) == MMU_PT_UPDATE_PRESERVE_AD;
    std::uint32_t offset = page_offset(Maddr{u.ptr}) & ~7u;
    if (held.is(mfn))
        return held.update(offset / sizeof(Pte), Pte{u.val}, preserve);
    Frame &f = *TRY(get_frame(mfn, owners.table_owner));
    Result<> r = update_table(f, offset, Pte{u.val}, owners, preserve);
    put_frame(f);
    return r;
}

Result<> update_one(mmu_update const &u, EntryOwners owners, HeldL1 const &held)
{
    std::uint32_t command = static_cast<std::uint32_t>(u.ptr) & (sizeof(Pte) - 1);
    if (u.ptr >> (page_shift + 32))
        return Error::inval;
    Mfn mfn = to_mfn(Maddr{u.ptr});
    switch (command) {
    case MMU_NORMAL_PT_UPDATE:
    case MMU_PT_UPDATE_PRESERVE_AD:
    case MMU_PT_UPDATE_NO_TRANSLATE: return update_entry(u, mfn, owners, held);
    case MMU_MACHPHYS_UPDATE: {
        if (!owners.page_owner)
            return Error::inval;
        Frame &f = *TRY(get_frame(mfn, owners.page_owner));
        set_m2p(mfn, static_cast<std::uint32_t>(u.val));
        put_frame(f);
        return {};
    }
    default: return Error::nosys;
    }
}

// The low half names whose frames are mapped, the high half (plus one) whose tables are written.
Result<EntryOwners> owners_from(std::uint32_t domain)
{
    Domain *table_owner = &current_domain();
    if (domain >> 16)
        table_owner = TRY(named_domain((domain >> 16) - 1));
    if (!table_owner)
        return Error::inval;
    return EntryOwners{table_owner, TRY(named_domain(domain & 0xffff))};
}

struct Progress {
    std::uint32_t done;
    bool preempted;
    Result<> result;
};

Progress run_batch(std::uint32_t updates, std::uint32_t count, EntryOwners owners)
{
    constexpr std::uint32_t chunk = 16;
    mmu_update batch[chunk];
    HeldL1 held{owners};
    Vcpu &v = current();
    for (std::uint32_t i = 0; i < count;) {
        auto u = &batch[i % chunk], end = u + std::min(count - i, chunk - i % chunk);
        if (i % chunk == 0) {
            if (copy_from_guest(batch, updates + i * sizeof *batch, sizeof *batch * static_cast<std::size_t>(end - u)))
                return {i, false, Error::fault};
            count_work(chunk);  // for those that do not ask
        }
        if (i && preempt_requested())
            return {i, true, {}};
        if (!held.is(to_mfn(Maddr{u->ptr})))
            held.take(*u);
        if (auto next = held.update_usual(u, end); next != u) {
            i += static_cast<std::uint32_t>(next - u);
            continue;
        }
        Result<> r = update_one(*u, owners, held);
        if (!r.ok())
            return {i, r.error() == Error::again, r};
        ++i;
        if (v.unfinished_table != no_mfn && !finish_unfinished(v).ok())
            return {i, true, {}};
    }
    return {count, false, {}};
}

}  // namespace

Result<Domain *> named_domain(std::uint32_t id)
{
    Domain &caller = current_domain();
    if (id == DOMID_SELF || id == caller.id)
        return &caller;
    if (id == DOMID_IO)
        return nullptr;
    if (!caller.privileged)
        return Error::perm;
    Domain *d = id < DOMID_FIRST_RESERVED ? find_domain(static_cast<DomainId>(id)) : nullptr;
    if (!d || d->dying)
        return Error::srch;
    return d;
}

// The processor may set A and D between our read and our store.
Pte exchange_entry(Pte *slot, Pte value, bool preserve)
{
    for (;;) {
        Pte old = *slot;
        Pte stored = preserve ? value.with(old.raw() & (Pte::A | Pte::D)) : value;
        if (compare_exchange(slot, old, stored))
            return old;
    }
}

Result<> update_l1(Frame &l1, unsigned index, Pte value, EntryOwners owners, bool preserve)
{
    TRY(acquire_entry(value, FrameType::l1, index, owners));
    Pte old = exchange_entry(&Mapped<Pte>{mfn_of(l1)}[index], value, preserve);
    return release_entry(old, FrameType::l1);
}

Result<> update_table(Frame &table, std::uint32_t offset, Pte value, EntryOwners owners, bool preserve)
{
    FrameType type = table.type();
    if (table.type_count() == 0 || !is_table(type))
        return update_memory(table, offset, value, preserve);
    TRY(get_type(table, type));
    unsigned index = offset / sizeof(Pte);
    Result<> r = type == FrameType::l1 ? update_l1(table, index, value, owners, preserve)
                                       : update_upper(table, index, value, owners, preserve);
    TRY(put_type(table));  // not the last: the count was above 0 before
    return r;
}

void put_table_later(Vcpu &v, Frame &table)
{
    ASSERT(v.unfinished_table == no_mfn);
    if (!put_frame_and_type(table).ok())
        v.unfinished_table = mfn_of(table);
}

Result<> finish_unfinished(Vcpu &v)
{
    if (v.unfinished_table == no_mfn)
        return {};
    TRY(put_frame_and_type(frame_of(v.unfinished_table)));
    v.unfinished_table = no_mfn;
    return {};
}

std::int32_t do_mmu_update(std::uint32_t updates, std::uint32_t count, std::uint32_t done, std::uint32_t domain)
{
    LockGuard guard{mmu_lock};
    std::uint32_t done_before = 0;
    if (count & mmu_preempted) {
        count &= ~mmu_preempted;
        if (done && !read_guest(done_before, done))
            return to_errno(Result<>{Error::fault});
    }
    if (!guest_range_ok(updates, count, sizeof(mmu_update)))
        return to_errno(Result<>{Error::fault});
    if (count == 1 && domain == DOMID_SELF && !done && current().unfinished_table == no_mfn && update_alone(updates)) {
        ++current_domain().counters.mmu_entries;
        return 0;
    }
    EntryOwners owners{&current_domain(), &current_domain()};
    if (domain != DOMID_SELF) {
        auto named = owners_from(domain);
        if (!named.ok())
            return to_errno(Result<>{named.error()});
        owners = named.value();
    }
    Progress p{0, true, {}};
    if (finish_unfinished(current()).ok())
        p = run_batch(updates, count, owners);
    current_domain().counters.mmu_entries += p.done;
    done_before += p.done;
    if (done && !write_guest(done, done_before))
        return to_errno(Result<>{Error::fault});
    if (p.preempted)
        return continue_hypercall(
            {updates + p.done * static_cast<std::uint32_t>(sizeof(mmu_update)), (count - p.done) | mmu_preempted});
    return to_errno(p.result);
}

}  // namespace hv
