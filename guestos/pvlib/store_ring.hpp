// SPDX-License-Identifier: MIT
// The store page as its client sees it: a byte ring of requests, which we fill, and one of replies, which we empty. Our own two
// indices are kept in private memory; of the other end's only what makes sense is believed. include/pv/io/xs_wire.h.
#pragma once
#include <cstddef>
#include <lib/result.hpp>
#include <pv/io/xs_wire.h>

namespace xenbus {
class StoreRing {
public:
    // Goes on where the page stands.
    void attach(xenstore_domain_interface &page);
    xenstore_domain_interface &page() const { return *page_; }

    // The number of bytes moved, 0: no room, or nothing there. Error::proto: the other end's index is impossible.
    Result<std::size_t> put(void const *bytes, std::size_t n);
    Result<std::size_t> get(void *bytes, std::size_t n);
    // Is there something to do? Also true for an impossible index, so that put() or get() finds it.
    bool has_room() const;
    bool has_bytes() const;

private:
    xenstore_domain_interface *page_ = nullptr;
    XENSTORE_RING_IDX put_ = 0, got_ = 0;  // req_prod, rsp_cons
};
}  // namespace xenbus
