// SPDX-License-Identifier: MIT
#include <pvlib/console_ring.hpp>

namespace pv {
namespace {
XENCONS_RING_IDX load(XENCONS_RING_IDX const &shared) { return __atomic_load_n(&shared, __ATOMIC_ACQUIRE); }
void store(XENCONS_RING_IDX &shared, XENCONS_RING_IDX v) { __atomic_store_n(&shared, v, __ATOMIC_RELEASE); }
}  // namespace

void ConsoleRing::attach(xencons_interface &page)
{
    page_ = &page;
    put_ = load(page.out_prod);
    got_ = load(page.in_cons);
}

std::size_t ConsoleRing::room() const
{
    auto used = put_ - load(page_->out_cons);
    return used <= sizeof page_->out ? sizeof page_->out - used : 0;
}

std::size_t ConsoleRing::input() const
{
    auto there = load(page_->in_prod) - got_;
    return there <= sizeof page_->in ? there : 0;
}

std::size_t ConsoleRing::put(char const *bytes, std::size_t n)
{
    auto most = room();
    n = n < most ? n : most;
    for (std::size_t i = 0; i < n; ++i)
        page_->out[MASK_XENCONS_IDX(put_++, page_->out)] = bytes[i];
    store(page_->out_prod, put_);
    return n;
}

std::size_t ConsoleRing::get(char *bytes, std::size_t n)
{
    auto most = input();
    n = n < most ? n : most;
    for (std::size_t i = 0; i < n; ++i)
        bytes[i] = page_->in[MASK_XENCONS_IDX(got_++, page_->in)];
    store(page_->in_cons, got_);
    return n;
}
}  // namespace pv
