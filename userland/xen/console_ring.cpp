// SPDX-License-Identifier: MIT
#include <algorithm>
#include <userland/xen/console_ring.hpp>

namespace xen {
namespace {
std::uint32_t load(XENCONS_RING_IDX const &word) { return __atomic_load_n(&word, __ATOMIC_ACQUIRE); }
void store(XENCONS_RING_IDX &word, std::uint32_t value) { __atomic_store_n(&word, value, __ATOMIC_RELEASE); }
}  // namespace

static_assert(sizeof(xencons_interface::in) == ConsoleRing::in_bytes
              && sizeof(xencons_interface::out) == ConsoleRing::out_bytes);

ConsoleRing::ConsoleRing(xencons_interface *page)
    : page_{page}, taken_{load(page->out_cons)}, given_{load(page->in_prod)}
{
}

Result<std::size_t> ConsoleRing::take(std::span<char> to)
{
    std::uint32_t waiting = load(page_->out_prod) - taken_;
    if (waiting > out_bytes)
        return Error::proto;
    auto n = std::min<std::size_t>(waiting, to.size());
    for (std::size_t i = 0; i < n; ++i)
        to[i] = page_->out[(taken_ + i) % out_bytes];
    taken_ += static_cast<std::uint32_t>(n);
    store(page_->out_cons, taken_);
    return n;
}

Result<std::size_t> ConsoleRing::room() const
{
    std::uint32_t waiting = given_ - load(page_->in_cons);
    if (waiting > in_bytes)
        return Error::proto;
    return in_bytes - waiting;
}

void ConsoleRing::give(std::span<char const> bytes)
{
    for (std::size_t i = 0; i < bytes.size(); ++i)
        page_->in[(given_ + i) % in_bytes] = bytes[i];
    given_ += static_cast<std::uint32_t>(bytes.size());
    store(page_->in_prod, given_);
}
}  // namespace xen
