// SPDX-License-Identifier: MIT
// A front end's ring, mapped: front_ring.hpp says how both are used.
#pragma once
#include <pv/io/ring.hpp>
#include <pvlib/device/foreign.hpp>

namespace pv {
template <class Sring>
class SharedBackRing {
public:
    // Maps the front end's ring. refs: as many pages as the front end says, a power of two. The indices start where the ring
    // stands, so that a back end may come back to a ring in use.
    Result<> open(domid_t other, std::span<grant_ref_t const> refs)
    {
        ForeignRef foreign[ForeignPages::most];
        auto n = static_cast<unsigned>(refs.size());
        if (n == 0 || n > ForeignPages::most || (n & (n - 1)) != 0)
            return Error::inval;
        for (unsigned i = 0; i < n; ++i)
            foreign[i] = {other, refs[i], Access::writable};
        auto mapped = TRY(ForeignPages::map({foreign, n}, ForeignPages::Layout::contiguous));
        auto &shared = *static_cast<Sring *>(mapped.address());
        auto slots = ring_slots<Sring>(n << page_shift);
        auto answered = ring_detail::load(shared.rsp_prod), asked = ring_detail::load(shared.req_prod);
        if (asked - answered > slots)
            return Error::proto;
        ring_ = BackRing<Sring>{shared, slots, answered};
        pages_ = std::move(mapped);
        return {};
    }
    void close()
    {
        ring_ = {};
        pages_.unmap();
    }
    bool is_open() const { return static_cast<bool>(pages_); }
    BackRing<Sring> *operator->() { return &ring_; }  // precondition: is_open()

private:
    ForeignPages pages_;
    BackRing<Sring> ring_;
};
}  // namespace pv
