// SPDX-License-Identifier: MIT
#include <bit>
#include <cstring>
#include <drivers/dma.hpp>
#include <kernel/memory/frames.hpp>

namespace dma {
Result<> Memory::allocate(std::uint32_t bytes)
{
    order_ = static_cast<unsigned>(std::bit_width(pages_for(bytes) - 1));
    auto frames = TRY(kernel::allocate_frames(order_));
    if (auto r = arch::make_contiguous(frames, order_); !r.ok()) {
        kernel::free_frames(frames, order_);
        return r;
    }
    first_ = frames;
    std::memset(address(), 0, page_size << order_);
    return {};
}

void Memory::release()
{
    if (first_ != no_pfn)
        kernel::free_frames(first_, order_);
    first_ = no_pfn;
}

void *Memory::address(std::uint32_t offset) const
{
    return static_cast<char *>(kernel::frame_address(first_)) + offset;
}
}  // namespace dma
