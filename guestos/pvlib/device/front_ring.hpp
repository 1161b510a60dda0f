// SPDX-License-Identifier: MIT
// Rings of requests and responses (pv/io/ring.hpp) together with the memory they lie in: the front end, which owns it. back_ring.hpp
// has the other.
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
#include <pvlib/device/grant.hpp>

namespace pv {
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
}  // namespace pv
