// SPDX-License-Identifier: MIT
// Pages of the front end, mapped. One that says "feature-persistent" uses the same ones again and again: they stay mapped, so that a
// request costs no hypercall; the least recently used go when there are too many.
#pragma once
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <pvlib/device/foreign.hpp>

namespace blkback {
class Mapping : public boost::intrusive::set_base_hook<>, public boost::intrusive::list_base_hook<> {
public:
    grant_ref_t ref = 0;
    bool writable = false;
    unsigned users = 0;
    pv::ForeignPages page;
    friend bool operator<(Mapping const &a, Mapping const &b) { return a.ref < b.ref; }
};

class Mappings {
public:
    static constexpr unsigned kept = 512;
    ~Mappings() { clear(); }
    void open(domid_t front, bool persistent)
    {
        front_ = front;
        persistent_ = persistent;
    }
    // In use until release(). The domain's right to that page is the hypervisor's to check.
    Result<Mapping *> map(grant_ref_t, bool writable);
    void release(Mapping &);
    void clear();  // precondition: none is in use

private:
    using ByRef = boost::intrusive::set<Mapping, boost::intrusive::constant_time_size<true>>;
    using Idle = boost::intrusive::list<Mapping, boost::intrusive::constant_time_size<false>>;
    void drop(Mapping &);
    domid_t front_ = 0;
    bool persistent_ = false;
    ByRef by_ref_;
    Idle idle_;  // oldest first
};
}  // namespace blkback
