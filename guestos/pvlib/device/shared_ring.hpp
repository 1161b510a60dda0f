// SPDX-License-Identifier: MIT
// Rings of requests and responses (pv/io/ring.hpp) together with the memory they lie in.
//
//   front end                                   back end
//   SharedFrontRing<blkif_sring> ring;          SharedBackRing<blkif_sring> ring;
//   ring.open(back, pages)                      ring.open(front, refs)
//   ring.pages().ref(i) --> store  ..........>  read from the store
//   ring->put(request); if (ring->push()) port.notify();
//                                               while (ring->more()) ring->take(request) ...
//
// The rules for either end: look at ring->more() until it says no before sleeping; Taken::overrun means that the other end is
// broken or hostile: close the connection (xenbus::Device::fail).
#pragma once
#include <pv/io/ring.hpp>
#include <pvlib/device/foreign.hpp>
#include <pvlib/device/grant.hpp>

namespace pv {
// Slots of a ring in so many bytes: PV_RING_SLOTS for a type parameter.
template <class Sring>
constexpr std::uint32_t ring_slots(std::uint32_t bytes)
{
    auto n = static_cast<std::uint32_t>((bytes - offsetof(Sring, ring)) / sizeof(Sring::ring[0]));
    return PV_RING_FLOOR2(n);
}

template <class Sring>
class SharedFrontRing {
public:
    // An empty ring of `pages` (a power of two) that `other` may use.
    Result<> open(domid_t other, unsigned pages = 1)
    {
        auto made = TRY(GrantedPages::make(other, pages));
        auto &shared = *static_cast<Sring *>(made.address());
        init_shared_ring(shared);
        ring_ = FrontRing<Sring>{shared, ring_slots<Sring>(made.bytes())};
        pages_ = std::move(made);
        return {};
    }
    void close()
    {
        ring_ = {};
        pages_.release();
    }
    bool is_open() const { return static_cast<bool>(pages_); }
    GrantedPages const &pages() const { return pages_; }
    FrontRing<Sring> *operator->() { return &ring_; }  // precondition: is_open()

private:
    GrantedPages pages_;
    FrontRing<Sring> ring_;
};

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
