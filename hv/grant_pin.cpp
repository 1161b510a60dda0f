// SPDX-License-Identifier: MIT
// Pins: the hypervisor's notes, in the granter's entry, that somebody reads or writes the frame. The entry lies in memory that the granter
// writes at the same time, so it is changed by compare-and-exchange, a few times at most: who changes it all the time is refused.
#include <hv/grant.hpp>
#include <hv/state.hpp>

namespace hv {
namespace {

constexpr unsigned max_tries = 5;
constexpr std::uint32_t most_pins = 0xffff;

class Entry {
public:
    Entry(GrantTable const &t, grant_ref_t r) : entry_{map_grant_entry(t, r)} {}
    ~Entry() { unmap_grant_entry(entry_); }
    Entry(Entry const &) = delete;
    Entry &operator=(Entry const &) = delete;

    std::uint32_t head() const { return __atomic_load_n(head_address(), __ATOMIC_SEQ_CST); }
    bool replace_head(std::uint32_t &old, std::uint32_t value)
    {
        return __atomic_compare_exchange_n(head_address(), &old, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    void clear(std::uint16_t flags)
    {
        __atomic_fetch_and(&entry_->flags, static_cast<std::uint16_t>(~flags), __ATOMIC_SEQ_CST);
    }
    Mfn frame() const { return Mfn{__atomic_load_n(&entry_->frame, __ATOMIC_SEQ_CST)}; }

private:
    // Flags in the low half, domid in the high half: both at once.
    std::uint32_t *head_address() const { return reinterpret_cast<std::uint32_t *>(entry_); }
    grant_entry_v1 *entry_;
};

bool allows(std::uint32_t head, DomainId mapper)
{
    return (head & (GTF_type_mask | GTF_sub_page)) == GTF_permit_access && head >> 16 == mapper;
}

// `fresh`: there is no pin yet, so the entry decides who may.
Result<> note_use(Entry &entry, DomainId mapper, bool fresh, bool writable)
{
    std::uint32_t head = entry.head();
    for (unsigned i = 0; i < max_tries; ++i) {
        if ((fresh && !allows(head, mapper)) || (writable && (head & GTF_readonly)))
            return Error::inval;
        std::uint32_t noted = head | GTF_reading | (writable ? GTF_writing : 0);
        if (entry.replace_head(head, noted))
            return {};
    }
    return Error::inval;
}

ActiveGrant **bucket_of(GrantTable &t, grant_ref_t r) { return &t.active[r % GrantTable::active_buckets]; }

Result<ActiveGrant *> new_active(Domain &granter, grant_ref_t r, DomainId mapper)
{
    GrantTable &t = *granter.grants;
    if (!t.active)
        t.active = static_cast<ActiveGrant **>(allocate_state(granter, GrantTable::active_buckets * sizeof *t.active));
    auto *a = t.active ? allocate_state<ActiveGrant>(granter) : nullptr;
    if (!a)
        return Error::nospc;
    *a = {*bucket_of(t, r), r, no_mfn, mapper, 0, 0};
    *bucket_of(t, r) = a;
    return a;
}

void forget(Domain &granter, ActiveGrant &a)
{
    ActiveGrant **at = bucket_of(*granter.grants, a.reference);
    while (*at != &a)
        at = &(*at)->next;
    *at = a.next;
    free_state(granter, &a);
}

}  // namespace

ActiveGrant *find_active(Domain &granter, grant_ref_t r)
{
    if (!granter.grants->active)
        return nullptr;
    ActiveGrant *a = *bucket_of(*granter.grants, r);
    while (a && a->reference != r)
        a = a->next;
    return a;
}

Result<ActiveGrant *> pin_grant(Domain &granter, grant_ref_t r, Domain &mapper, bool writable)
{
    GrantTable &t = *granter.grants;
    if (!within(t, r))
        return Error::noent;
    ActiveGrant *a = find_active(granter, r);
    bool fresh = !a;
    if (a && (a->mapper != mapper.id || std::uint32_t{a->readers} + a->writers == most_pins))
        return Error::inval;
    Entry entry{t, r};
    if (fresh)
        a = TRY(new_active(granter, r, mapper.id));
    if (fresh || (writable && !a->writers))
        if (Result<> noted = note_use(entry, mapper.id, fresh, writable); !noted.ok()) {
            if (fresh)
                forget(granter, *a);
            return noted.error();
        }
    if (fresh)
        a->frame = entry.frame();
    ++(writable ? a->writers : a->readers);
    return a;
}

void unpin_grant(Domain &granter, ActiveGrant &a, bool writable)
{
    --(writable ? a.writers : a.readers);
    Entry entry{*granter.grants, a.reference};
    if (writable && !a.writers)
        entry.clear(GTF_writing);
    if (a.pinned())
        return;
    entry.clear(GTF_reading);
    forget(granter, a);
}

}  // namespace hv
