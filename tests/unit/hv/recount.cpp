// SPDX-License-Identifier: MIT
// The frame table's counts, made anew from the contents of the tables and compared.
#include "machine.hpp"
#include <cstdio>
#include <hv/event.hpp>
#include <hv/grant.hpp>
#include <hv/mmu.hpp>
#include <map>
#include <tuple>

using namespace hv;

namespace machine {
namespace {

struct Count {
    std::uint32_t general = 0, type = 0;
    FrameType wanted = FrameType::none;
    bool conflict = false;
};

class Recount {
public:
    std::string run()
    {
        for (unsigned i = 0; i < frames && why_.empty(); ++i)
            count_frame(Mfn{i});
        for (Domain *d = domain_list; d; d = d->next)
            count_domain(*d);
        for (unsigned i = 0; i < frames && why_.empty(); ++i)
            compare(Mfn{i});
        for (Domain *d = domain_list; d && why_.empty(); d = d->next) {
            check_list(*d);
            check_ports(*d);
        }
        check_pins();
        if (why_.empty())
            check_sum();
        return why_;
    }

private:
    void fail(Mfn mfn, char const *what)
    {
        if (!why_.empty())
            return;
        Frame const &f = frame_of(mfn);
        Count const &c = counts_[mfn.raw()];
        char text[256];
        std::snprintf(text, sizeof text,
                      "frame %u %s: count %x (recount %x), type_info %08x (recount type %u, %u), progress %u, owner %x",
                      mfn.raw(), what, f.count, c.general, f.type_info, static_cast<unsigned>(c.wanted), c.type,
                      f.progress, f.owner);
        why_ = text;
    }

    void add(Mfn mfn, FrameType type)
    {
        Count &c = counts_[mfn.raw()];
        ++c.general;
        if (type == FrameType::none)
            return;
        c.conflict |= c.type != 0 && c.wanted != type;
        c.wanted = type;
        ++c.type;
    }

    // Almost all entries are empty, and the sanitizers' checks of each are dear.
    __attribute__((no_sanitize("address", "undefined"))) static bool is_present(Mfn where, unsigned i)
    {
        return *reinterpret_cast<std::uint8_t const *>(table(where) + i) & Pte::P;
    }

    void count_entry(Mfn where, FrameType type, unsigned i)
    {
        Pte e = table(where)[i];
        if (is_io(e.frame())) {
            if (type != FrameType::l1 || !dom0.privileged || (frame_of(where).owner & 0xffff) != dom0.id + 1u)
                fail(where, "maps I/O memory and may not");
            return;
        }
        if (frame_of(e.frame()).owner & frame_is_hypervisor)
            fail(where, "names a frame of the hypervisor");
        if (e.raw() & (0x7ff0'0000'0000'0000 | Pte::G))
            fail(where, "has a reserved bit set");
        if (type == FrameType::l1)
            add(e.frame(), e.has(Pte::RW) ? FrameType::writable : FrameType::none);
        else if (e.has(Pte::PS))
            fail(where, "has a superpage");
        else if (type == FrameType::l3)
            add(e.frame(), i == 3 ? FrameType::l2_top : FrameType::l2);
        else
            add(e.frame(), FrameType::l1);
    }

    void count_frame(Mfn mfn)
    {
        Frame const &f = frame_of(mfn);
        Count &c = counts_[mfn.raw()];
        if (f.count & Frame::allocated)
            ++c.general;
        if ((f.owner & frame_is_special) && (f.count & Frame::allocated))
            ++c.type, c.wanted = f.type();
        if (f.is(Frame::pinned))
            add(mfn, f.type());
        if (f.is(Frame::partial) && f.type_count() == 0)
            ++c.general;
        if (!is_table(f.type()) || (f.type_count() == 0 && !f.is(Frame::partial)))
            return;
        unsigned n = f.is(Frame::partial) ? f.progress : guest_entries(f.type());
        for (unsigned i = 0; i < n; ++i)
            if (is_present(mfn, i))
                count_entry(mfn, f.type(), i);
        if (f.type() == FrameType::l2_top && f.is(Frame::validated))
            for (unsigned i = n; i < entries_per_table; ++i)
                if (table(mfn)[i] != hypervisor_entries()[i - n])
                    fail(mfn, "lost the hypervisor's entries");
        if (f.type() == FrameType::l3 && f.is(Frame::validated) && !table(mfn)[3].present())
            fail(mfn, "has no fourth entry");
    }

    // A mapping for a device has no page-table entry. And pins are what map entries say.
    void count_domain(Domain &d)
    {
        for (unsigned i = 0; i < d.vcpu_count; ++i)
            count_vcpu(*d.vcpus[i]);
        if (d.taken_apart)
            add(mfn_of(*d.taken_apart), FrameType::none);
        GrantTable *t = d.grants;
        for (unsigned h = d.dying && t ? t->released : 0; t && h < t->map_count; ++h)
            if (MapEntry const *e = map_entry(d, h)) {
                bool writable = !(e->flags & GNTMAP_readonly);
                if (e->flags & GNTMAP_device_map)
                    add(e->frame, writable ? FrameType::writable : FrameType::none);
                unsigned n = !!(e->flags & GNTMAP_device_map) + !!(e->flags & GNTMAP_host_map);
                pins_[{e->serial, e->reference, d.id, writable}] += n;
            }
    }

    void check_pins()
    {
        for (Domain *d = domain_list; d; d = d->next)
            for (unsigned i = 0; d->grants && d->grants->active && i < GrantTable::active_buckets; ++i)
                for (ActiveGrant *a = d->grants->active[i]; a; a = a->next) {
                    unsigned r = take_pins(*d, *a, false), w = take_pins(*d, *a, true);
                    if (r != a->readers || w != a->writers || !a->pinned())
                        why_ = "a grant has other pins than its mappings say";
                }
        for (auto const &[key, n] : pins_)
            if (n && why_.empty() && is_alive(std::get<0>(key)))
                why_ = "a mapping has no pin";
    }
    unsigned take_pins(Domain &d, ActiveGrant const &a, bool writable)
    {
        auto at = pins_.find({d.serial, a.reference, a.mapper, writable});
        if (at == pins_.end())
            return 0;
        unsigned n = at->second;
        at->second = 0;
        return n;
    }
    static bool is_alive(std::uint32_t serial)
    {
        for (Domain *d = domain_list; d; d = d->next)
            if (d->serial == serial)
                return true;
        return false;
    }

    // Both ends of a channel know each other.
    void check_ports(Domain &d)
    {
        for (unsigned p = 0; p < max_event_ports; ++p) {
            EventPort const &e = port_of(d, p);
            if (e.state != PortState::interdomain)
                continue;
            Domain *peer = find_domain(e.remote_domain);
            EventPort const *other = peer ? &port_of(*peer, e.remote_port) : nullptr;
            if (!other || other->state != PortState::interdomain || other->remote_domain != d.id
                || other->remote_port != p)
                why_ = "a channel has one end";
        }
    }

    void check_sum()
    {
        std::uint32_t sum = free_frame_count() + orphan_frame_count();
        for (Domain *d = domain_list; d; d = d->next)
            sum += d->total_pages;
        for (unsigned i = 0; i < frames; ++i) {
            bool nobodys = (frame_table[i].owner & 0xffff) == DOMID_INVALID + 1u;
            sum += !nobodys && (frame_table[i].owner & frame_is_shared) != 0;
            sum -= nobodys && (frame_table[i].owner & frame_is_heap);
        }
        if (sum != ram_end - ram_first)
            why_ = "frames are lost, or counted twice";
    }

    void count_vcpu(Vcpu const &v)
    {
        if (v.cr3 != no_mfn)
            add(v.cr3, FrameType::l3);
        if (v.unfinished_table != no_mfn)
            add(v.unfinished_table, frame_of(v.unfinished_table).type());
        for (Mfn gdt : v.gdt_frames)  // the model's stand-in for set_gdt
            if (gdt != Mfn{})
                add(gdt, FrameType::descriptor);
    }

    void compare(Mfn mfn)
    {
        Frame const &f = frame_of(mfn);
        Count const &c = counts_[mfn.raw()];
        if (c.conflict || (c.type && c.wanted != f.type()))
            fail(mfn, "is used as two types");
        if (c.general != (f.count & Frame::count_mask))
            fail(mfn, "has a wrong count");
        if (c.type != f.type_count())
            fail(mfn, "has a wrong type count");
        if (f.is(Frame::validated) && f.type_count() == 0)
            fail(mfn, "is validated without users");
        if (f.is(Frame::validated) && f.is(Frame::partial))
            fail(mfn, "is validated and partial");
        if (f.count && (f.owner & 0xffff) == 0)
            fail(mfn, "has references and no owner");
    }

    void check_list(Domain &d)
    {
        std::uint32_t n = 0, owned = 0;
        for (Frame *f = d.frames; f; f = f->next == ~0u ? nullptr : &frame_table[f->next]) {
            if ((f->owner & 0xffff) != d.id + 1u || !f->count)
                fail(mfn_of(*f), "is on a list and not its domain's");
            if (++n > frames)
                break;
        }
        for (unsigned i = 0; i < frames; ++i)
            owned += (frame_table[i].owner & 0xffff) == d.id + 1u && !(frame_table[i].owner & frame_is_special);
        if (n != d.total_pages || n != owned)
            why_ = "a domain's list, its count and its frames differ";
    }

    Count counts_[frames];
    std::map<std::tuple<std::uint32_t, grant_ref_t, DomainId, bool>, unsigned> pins_;
    std::string why_;
};

}  // namespace

std::string check() { return Recount{}.run(); }

}  // namespace machine
