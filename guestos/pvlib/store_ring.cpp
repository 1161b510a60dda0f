// SPDX-License-Identifier: MIT
#include <cstring>
#include <pvlib/store_ring.hpp>

namespace xenbus {
namespace {
XENSTORE_RING_IDX load(XENSTORE_RING_IDX const &shared) { return __atomic_load_n(&shared, __ATOMIC_ACQUIRE); }
void store(XENSTORE_RING_IDX &shared, XENSTORE_RING_IDX v) { __atomic_store_n(&shared, v, __ATOMIC_RELEASE); }

std::size_t smaller(std::size_t a, std::size_t b) { return a < b ? a : b; }

// f(place in the ring, offset in the message, n) for the one or two pieces that n bytes from `index` on are made of.
template <class F>
void pieces(XENSTORE_RING_IDX index, std::size_t n, F f)
{
    std::size_t at = MASK_XENSTORE_IDX(index), first = smaller(n, XENSTORE_RING_SIZE - at);
    f(at, std::size_t{0}, first);
    if (n != first)
        f(std::size_t{0}, first, n - first);
}
}  // namespace

void StoreRing::attach(xenstore_domain_interface &page)
{
    page_ = &page;
    put_ = load(page.req_prod);
    got_ = load(page.rsp_cons);
}

bool StoreRing::has_room() const { return put_ - load(page_->req_cons) != XENSTORE_RING_SIZE; }

bool StoreRing::has_bytes() const { return load(page_->rsp_prod) != got_; }

Result<std::size_t> StoreRing::put(void const *bytes, std::size_t n)
{
    auto used = put_ - load(page_->req_cons);
    if (used > XENSTORE_RING_SIZE)
        return Error::proto;
    n = smaller(n, XENSTORE_RING_SIZE - used);
    pieces(put_, n, [&](std::size_t at, std::size_t done, std::size_t piece) {
        std::memcpy(page_->req + at, static_cast<char const *>(bytes) + done, piece);
    });
    put_ += static_cast<XENSTORE_RING_IDX>(n);
    store(page_->req_prod, put_);
    return n;
}

Result<std::size_t> StoreRing::get(void *bytes, std::size_t n)
{
    auto there = load(page_->rsp_prod) - got_;
    if (there > XENSTORE_RING_SIZE)
        return Error::proto;
    n = smaller(n, there);
    pieces(got_, n, [&](std::size_t at, std::size_t done, std::size_t piece) {
        std::memcpy(static_cast<char *>(bytes) + done, page_->rsp + at, piece);
    });
    got_ += static_cast<XENSTORE_RING_IDX>(n);
    store(page_->rsp_cons, got_);
    return n;
}
}  // namespace xenbus
