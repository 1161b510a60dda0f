// SPDX-License-Identifier: MIT
#include <bit>
#include <cstring>
#include <kernel/memory/frames.hpp>
#include <lib/panic.hpp>
#include <pvlib/device/grant_table.hpp>

namespace pv {
// --- GrantRef ---
Result<GrantRef> GrantRef::to(domid_t other, Pfn frame, Access access)
{
    GrantRef made;
    made.ref_ = TRY(grant_table().take());
    grant_table().grant(made.ref_, other, frame, access);
    return made;
}

bool GrantRef::mapped() const { return grant_table().mapped(ref_); }

void GrantRef::end()
{
    if (ref_ != none)
        grant_table().end_and_put(std::exchange(ref_, none));
}

GrantCounts grant_counts() { return grant_table().counts(); }

// --- GrantReserve ---
Result<GrantReserve> GrantReserve::make(domid_t other, unsigned count)
{
    GrantReserve made;
    made.other_ = other;
    made.refs_.reset(new (std::nothrow) grant_ref_t[count]);
    made.out_.reset(new (std::nothrow) grant_ref_t[count]{});
    if (!made.refs_ || !made.out_)
        return Error::nomem;
    for (; made.count_ < count; ++made.count_, ++made.free_)
        made.refs_[made.free_] = TRY(grant_table().take());
    return made;
}

GrantReserve::~GrantReserve()
{
    for (unsigned i = 0; i < free_; ++i)
        grant_table().put(refs_[i]);
    for (unsigned i = 0; i < count_; ++i)
        if (out_[i])
            grant_table().end_and_put(out_[i]);
}

grant_ref_t GrantReserve::grant(Pfn frame, Access access)
{
    auto r = refs_[--free_];
    while (out_[next_grant_])  // not all are out
        next_grant_ = (next_grant_ + 1) % count_;
    out_[next_grant_] = r;
    next_grant_ = (next_grant_ + 1) % count_;
    grant_table().grant(r, other_, frame, access);
    return r;
}

bool GrantReserve::end(grant_ref_t r)
{
    for (unsigned i = 0; i < count_; ++i, next_end_ = next_end_ + 1 == count_ ? 0 : next_end_ + 1) {
        if (out_[next_end_] != r)
            continue;
        out_[next_end_] = 0;
        bool ended = grant_table().try_end(r);
        if (!ended) {
            grant_table().linger(r);
            auto other = grant_table().take();
            if (!other.ok())
                return false;
            r = other.value();
        }
        refs_[free_++] = r;
        return ended;
    }
    panic("a grant reference that was not given out comes back: %u", r);
}

void GrantReserve::swap(GrantReserve &o)
{
    std::swap(other_, o.other_);
    std::swap(refs_, o.refs_);
    std::swap(out_, o.out_);
    std::swap(count_, o.count_);
    std::swap(free_, o.free_);
    std::swap(next_grant_, o.next_grant_);
    std::swap(next_end_, o.next_end_);
}

// --- GrantedPages ---
Result<GrantedPages> GrantedPages::make(domid_t other, unsigned count)
{
    if (!std::has_single_bit(count) || count > most)
        return Error::inval;
    auto first = TRY(kernel::allocate_frames(static_cast<unsigned>(std::countr_zero(count))));
    GrantedPages made;
    made.address_ = kernel::frame_address(first);
    made.count_ = count;
    std::memset(made.address_, 0, made.bytes());
    for (unsigned i = 0; i < count; ++i)
        made.refs_[i] = TRY(GrantRef::to(other, first + i, Access::writable));
    return made;
}

// The grants first: a frame that is still mapped then lives on its grant's reference.
void GrantedPages::release()
{
    if (!count_)
        return;
    auto first = kernel::frame_of_address(address_);
    for (unsigned i = 0; i < count_; ++i) {
        refs_[i].end();
        kernel::unref_frame(first + i);
    }
    count_ = 0;
    address_ = nullptr;
}

void GrantedPages::swap(GrantedPages &o)
{
    std::swap(address_, o.address_);
    std::swap(count_, o.count_);
    std::swap(refs_, o.refs_);
}
}  // namespace pv
