// SPDX-License-Identifier: MIT
// Mapping and unmapping grants.
//
//   map:    pin the grant -> reference the frame -> store the entry (it owns the references now) -> fill in the handle
//   unmap:  find the handle -> see that the entry maps that frame with those rights -> empty it -> unpin -> release the frame
//
// Each step undoes what the ones before it did if it fails; nothing is stored before all that could fail.
#include <hv/cpu.hpp>
#include <hv/frames.hpp>
#include <hv/grant.hpp>
#include <hv/map.hpp>
#include <hv/memory.hpp>
#include <hv/mmu.hpp>
#include <hv/tlb.hpp>
#include <hv/walk.hpp>

namespace hv {
namespace {

constexpr unsigned both_maps = GNTMAP_device_map | GNTMAP_host_map;
constexpr unsigned guest_bits_shift = 16, available_bits = 3;

bool is_writable(unsigned flags) { return !(flags & GNTMAP_readonly); }

// --- references on the frame -----------------------------------------------------------------------------------------

Result<> reference(Mfn frame, Domain &granter, bool writable)
{
    if (writable)
        TRY(get_frame_and_type(frame, &granter, FrameType::writable));
    else
        TRY(get_frame(frame, &granter));
    return {};
}

void dereference(Mfn frame, bool writable)
{
    if (writable)
        static_cast<void>(put_frame_and_type(frame_of(frame)));  // not a table: cannot be preempted
    else
        put_frame(frame_of(frame));
}

// --- the caller's page-table entry -----------------------------------------------------------------------------------

// An entry of an L1 of the caller's, held as one.
class Slot {
public:
    Result<> find(std::uint64_t address, bool is_machine_address);
    ~Slot()
    {
        if (l1_)
            static_cast<void>(put_frame_and_type(*l1_));
    }
    Slot() = default;
    Slot(Slot const &) = delete;
    Slot &operator=(Slot const &) = delete;

    bool operator==(Slot const &s) const { return l1_ == s.l1_ && index_ == s.index_; }
    Pte load() const { return Mapped<Pte>{mfn_of(*l1_)}[index_]; }
    // The new entry's references are the caller's gift; the old entry's are the caller's to give back.
    Pte exchange(Pte value);

private:
    Result<> hold(Mfn l1);
    Frame *l1_ = nullptr;
    unsigned index_ = 0;
    std::uint32_t linear_ = 0;
    bool is_linear_ = false;
};

// Only what is a validated L1 already: no frame becomes a table by this.
Result<> Slot::hold(Mfn l1)
{
    Frame &f = *TRY(get_frame(l1, &current_domain()));
    bool good = f.type() == FrameType::l1 && f.is(Frame::validated) && get_type(f, FrameType::l1).ok();
    if (!good) {
        put_frame(f);
        return Error::inval;
    }
    l1_ = &f;
    return {};
}

Result<> Slot::find(std::uint64_t address, bool is_machine_address)
{
    if (is_machine_address) {
        if (address % sizeof(Pte) || address >> (page_shift + 32))
            return Error::inval;
        index_ = page_offset(Maddr{address}) / sizeof(Pte);
        return hold(to_mfn(Maddr{address}));
    }
    if (address >> 32)
        return Error::inval;
    auto walk = walk_guest_tables(current(), static_cast<std::uint32_t>(address));
    if (!walk.ok())
        return Error::inval;
    index_ = walk.value().index;
    linear_ = static_cast<std::uint32_t>(address);
    is_linear_ = true;
    return hold(walk.value().l1);
}

Pte Slot::exchange(Pte value)
{
    Pte old = exchange_entry(&Mapped<Pte>{mfn_of(*l1_)}[index_], value, false);
    if (!old.present())
        return old;
    // The caller need not flush after these calls.
    if (is_linear_)
        flush_tlb_page(linear_);
    else
        flush_tlb();
    return old;
}

void drop_entry(Pte entry) { static_cast<void>(release_entry(entry, FrameType::l1)); }

Pte entry_for(Mfn frame, unsigned flags)
{
    std::uint64_t bits = Pte::P | Pte::A | Pte::D;
    if (is_writable(flags))
        bits |= Pte::RW;
    if (flags & GNTMAP_application_map)
        bits |= Pte::US;
    std::uint64_t available = flags >> guest_bits_shift & ((1u << available_bits) - 1);
    return Pte{frame, bits | available * Pte::AVL0};
}

// --- mapping -------------------------------------------------------------------------------------------------------------

struct Mapping {
    Domain &granter;
    grant_ref_t ref;
    unsigned flags;
    std::uint64_t host_address;
};

// One pin and one set of references for each of the two kinds.
Result<Mfn> pin_and_reference(Mapping const &m)
{
    bool writable = is_writable(m.flags);
    ActiveGrant *active = TRY(pin_grant(m.granter, m.ref, current_domain(), writable));
    Mfn frame = active->frame;
    if (Result<> r = reference(frame, m.granter, writable); !r.ok()) {
        unpin_grant(m.granter, *active, writable);
        return Error::inval;
    }
    return frame;
}

void unpin_and_dereference(Mapping const &m, Mfn frame)
{
    unpin_grant(m.granter, *find_active(m.granter, m.ref), is_writable(m.flags));
    dereference(frame, is_writable(m.flags));
}

Result<Mfn> map_for_device(Mapping const &m) { return pin_and_reference(m); }

Result<Mfn> map_for_host(Mapping const &m)
{
    Slot slot;
    TRY(slot.find(m.host_address, m.flags & GNTMAP_contains_pte));
    Mfn frame = TRY(pin_and_reference(m));
    drop_entry(slot.exchange(entry_for(frame, m.flags)));
    return frame;
}

Result<Mfn> map_all(Mapping const &m)
{
    if (!(m.flags & GNTMAP_device_map))
        return map_for_host(m);
    Mfn frame = TRY(map_for_device(m));
    if (m.flags & GNTMAP_host_map)
        if (auto host = map_for_host(m); !host.ok()) {
            unpin_and_dereference(m, frame);
            return host.error();
        }
    return frame;
}

// --- unmapping ----------------------------------------------------------------------------------------------------------

// The granter, if it is still the one that granted.
Domain *granter_of(MapEntry const &e)
{
    Domain *d = find_domain(e.granter);
    return d && d->serial == e.serial ? d : nullptr;
}

void unpin(MapEntry const &e)
{
    Domain *granter = granter_of(e);
    if (granter && granter->grants)
        unpin_grant(*granter, *find_active(*granter, e.reference), is_writable(e.flags));
}

// The entry must map the frame, writable or not, as the handle says: else its references are not ours to give back.
Result<> check_entry(Pte entry, MapEntry const &e)
{
    bool same = entry.present() && entry.frame() == e.frame && entry.has(Pte::RW) == is_writable(e.flags);
    return same ? Result<>{} : Result<>{Error::inval};
}

// In its place goes the entry at new_address, which is left empty, or nothing.
Result<> unmap_for_host(MapEntry &e, std::uint64_t address, std::uint64_t new_address)
{
    bool by_entry = e.flags & GNTMAP_contains_pte;
    if (by_entry && new_address)
        return Error::inval;
    Slot slot;
    TRY(slot.find(address, by_entry));
    TRY(check_entry(slot.load(), e));
    Pte replacement;
    if (new_address) {
        Slot other;
        TRY(other.find(new_address, false));
        if (other == slot)
            return Error::inval;
        replacement = other.exchange(Pte{});
    }
    Pte old = slot.exchange(replacement);
    e.flags = static_cast<std::uint8_t>(e.flags & ~GNTMAP_host_map);
    unpin(e);
    drop_entry(old);
    return {};
}

Result<> check_device(MapEntry const &e, std::uint64_t address)
{
    return address == to_maddr(e.frame).raw() ? Result<>{} : Result<>{Error::inval};
}

void unmap_for_device(MapEntry &e)
{
    e.flags = static_cast<std::uint8_t>(e.flags & ~GNTMAP_device_map);
    unpin(e);
    dereference(e.frame, is_writable(e.flags));
}

}  // namespace

Result<> map_grant(gnttab_map_grant_ref &op)
{
    if (!(op.flags & both_maps))
        return Error::noent;
    Domain &self = current_domain();
    Domain *granter = op.dom < DOMID_FIRST_RESERVED ? find_domain(op.dom) : nullptr;
    if (!granter || granter->dying || !granter->grants)
        return Error::srch;
    grant_handle_t handle = TRY(take_handle(self));
    auto frame = map_all({*granter, op.ref, op.flags, op.host_addr});
    if (!frame.ok()) {
        put_handle(self, handle);
        return frame.error();
    }
    constexpr unsigned kept = both_maps | GNTMAP_readonly | GNTMAP_contains_pte;
    auto flags = static_cast<std::uint8_t>(op.flags & kept);
    use_handle(self, handle, {granter->serial, op.ref, frame.value(), granter->id, flags});
    op.handle = handle;
    op.dev_bus_addr = to_maddr(frame.value()).raw();
    return {};
}

Result<> unmap_grant(Unmap const &u)
{
    Domain &self = current_domain();
    MapEntry *e = map_entry(self, u.handle);
    if (!e)
        return Error::badf;
    bool for_device = u.device_address && (e->flags & GNTMAP_device_map);
    if (for_device)
        TRY(check_device(*e, u.device_address));
    if (u.host_address && (e->flags & GNTMAP_host_map))
        TRY(unmap_for_host(*e, u.host_address, u.new_address));
    if (for_device)
        unmap_for_device(*e);
    if (!(e->flags & both_maps))
        put_handle(self, u.handle);
    return {};
}

// The references of page-table entries went with the tables.
Result<> release_mappings(Domain &d)
{
    GrantTable *t = d.grants;
    for (; t && t->released < t->map_count; ++t->released) {
        MapEntry *e = map_entry(d, t->released);
        if (!e)
            continue;
        if (e->flags & GNTMAP_host_map)
            unpin(*e);
        if (e->flags & GNTMAP_device_map)
            unmap_for_device(*e);
        *e = {};
        if (preempt_requested())
            return ++t->released, Error::again;
    }
    return {};
}

}  // namespace hv
