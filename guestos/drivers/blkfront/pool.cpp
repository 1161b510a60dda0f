// SPDX-License-Identifier: MIT
#include <drivers/blkfront/front_disk.hpp>
#include <kernel/memory/frames.hpp>

namespace blkfront {
Result<> Pool::open(domid_t other, unsigned wanted)
{
    constexpr unsigned least = FrontDisk::segments_most + 1;
    pages_.reset(new (std::nothrow) Page[wanted]);
    if (!pages_)
        return Error::nomem;
    for (count_ = 0; count_ < wanted; ++count_) {
        // Zeroed: the other domain sees all of it.
        auto frame = kernel::allocate_zeroed_frame();
        if (!frame.ok())
            break;
        auto grant = pv::GrantRef::to(other, frame.value(), pv::Access::writable);
        if (!grant.ok()) {
            kernel::unref_frame(frame.value());
            break;
        }
        pages_[count_] = {frame.value(), grant.take()};
    }
    free_count_ = 0;
    for (unsigned i = count_; i-- != 0;)
        give_back(i);
    if (count_ >= least)
        return {};
    close();
    return Error::nomem;
}

// A page that the other end still has mapped stays with its grant until it lets go: GrantRef has a reference of its own.
void Pool::close()
{
    for (unsigned i = 0; i < count_; ++i) {
        pages_[i].grant.end();
        kernel::unref_frame(pages_[i].frame);
    }
    pages_ = nullptr;
    count_ = free_count_ = 0;
}

void *Pool::kernel_address(unsigned page) const { return kernel::frame_address(pages_[page].frame); }
}  // namespace blkfront
