// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <userland/xenstored/ring.hpp>

namespace xenstore {
namespace {
std::uint32_t load(std::uint32_t const &word) { return __atomic_load_n(&word, __ATOMIC_ACQUIRE); }
void store(std::uint32_t &word, std::uint32_t value) { __atomic_store_n(&word, value, __ATOMIC_RELEASE); }
}  // namespace

Ring::Ring(xenstore_domain_interface *page) : page_{page}, taken_{load(page->req_cons)}, given_{load(page->rsp_prod)}
{
    store(page_->server_features, XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR);
    set_error(XENSTORE_ERROR_NONE);
}

Result<std::size_t> Ring::receive(std::span<char> to)
{
    std::uint32_t waiting = load(page_->req_prod) - taken_;
    if (waiting > XENSTORE_RING_SIZE)
        return Error::proto;
    std::size_t n = std::min<std::size_t>(waiting, to.size());
    for (std::size_t done = 0; done < n;) {
        std::size_t at = MASK_XENSTORE_IDX(taken_ + done), piece = std::min(n - done, XENSTORE_RING_SIZE - at);
        std::memcpy(to.data() + done, page_->req + at, piece);
        done += piece;
    }
    taken_ += static_cast<std::uint32_t>(n);
    store(page_->req_cons, taken_);
    moved_ = moved_ || n;
    return n;
}

Result<std::size_t> Ring::send(std::span<char const> from)
{
    std::uint32_t waiting = given_ - load(page_->rsp_cons);
    if (waiting > XENSTORE_RING_SIZE)
        return Error::proto;
    std::size_t n = std::min<std::size_t>(XENSTORE_RING_SIZE - waiting, from.size());
    for (std::size_t done = 0; done < n;) {
        std::size_t at = MASK_XENSTORE_IDX(given_ + done), piece = std::min(n - done, XENSTORE_RING_SIZE - at);
        std::memcpy(page_->rsp + at, from.data() + done, piece);
        done += piece;
    }
    given_ += static_cast<std::uint32_t>(n);
    store(page_->rsp_prod, given_);
    moved_ = moved_ || n;
    return n;
}

bool Ring::wants_reconnection() const { return load(page_->connection) == XENSTORE_RECONNECT; }

void Ring::reconnect()
{
    taken_ = given_ = 0;
    for (auto *index : {&page_->req_cons, &page_->req_prod, &page_->rsp_cons, &page_->rsp_prod})
        store(*index, 0);
    set_error(XENSTORE_ERROR_NONE);
    store(page_->connection, XENSTORE_CONNECTED);
    moved_ = true;
}

void Ring::set_error(std::uint32_t error)
{
    store(page_->error, error);
    moved_ = moved_ || error != XENSTORE_ERROR_NONE;
}
}  // namespace xenstore
