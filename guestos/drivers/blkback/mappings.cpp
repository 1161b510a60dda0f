// SPDX-License-Identifier: MIT
#include <drivers/blkback/mappings.hpp>
#include <lib/panic.hpp>
#include <new>

namespace blkback {
namespace {
struct ByReference {
    bool operator()(Mapping const &a, grant_ref_t b) const { return a.ref < b; }
    bool operator()(grant_ref_t a, Mapping const &b) const { return a < b.ref; }
};
}  // namespace

Result<Mapping *> Mappings::map(grant_ref_t ref, bool writable)
{
    writable |= persistent_;  // it will be used for both
    auto found = by_ref_.find(ref, ByReference{});
    if (found != by_ref_.end() && found->writable < writable && found->users == 0) {
        drop(*found);
        found = by_ref_.end();
    }
    if (found != by_ref_.end()) {
        if (found->writable < writable)
            return Error::perm;  // two requests at once, one of which may not write
        if (found->users++ == 0)
            idle_.erase(idle_.iterator_to(*found));
        return &*found;
    }
    auto *m = new (std::nothrow) Mapping;
    if (!m)
        return Error::nomem;
    pv::ForeignRef const wanted{front_, ref, writable ? pv::Access::writable : pv::Access::read_only};
    auto page = pv::ForeignPages::map({&wanted, 1});
    if (!page.ok()) {
        delete m;
        return page.error();
    }
    m->ref = ref;
    m->writable = writable;
    m->users = 1;
    m->page = page.take();
    by_ref_.insert(*m);
    return m;
}

void Mappings::drop(Mapping &m)
{
    if (static_cast<boost::intrusive::list_base_hook<> &>(m).is_linked())
        idle_.erase(idle_.iterator_to(m));
    by_ref_.erase(by_ref_.iterator_to(m));
    delete &m;
}

void Mappings::release(Mapping &m)
{
    if (--m.users != 0)
        return;
    if (!persistent_)
        return drop(m);
    idle_.push_back(m);
    while (by_ref_.size() > kept && !idle_.empty())
        drop(idle_.front());
}

void Mappings::clear()
{
    while (!by_ref_.empty()) {
        ASSERT(by_ref_.begin()->users == 0);
        drop(*by_ref_.begin());
    }
}
}  // namespace blkback
