// SPDX-License-Identifier: MIT
#include <cstring>
#include <kernel/net/inet/send_buffer.hpp>
#include <lib/panic.hpp>

namespace kernel::net {
bool SendBuffer::grow()
{
    std::uint32_t bigger = capacity_ ? capacity_ * 2 : 4;
    std::unique_ptr<Page[]> pages{new (std::nothrow) Page[bigger]};
    if (!pages)
        return false;
    for (std::uint32_t i = 0; i < count_; ++i)
        pages[i] = page(i);
    pages_ = std::move(pages);
    capacity_ = bigger;
    first_ = 0;
    return true;
}

Result<SendBuffer::Room> SendBuffer::room(std::uint32_t expected)
{
    if (count_ == 0 || page(count_ - 1).end == page_size) {
        if (count_ == capacity_ && !grow())
            return Error::nobufs;
        auto frame = allocate_frame();
        if (!frame.ok())
            return Error::nobufs;
        if (expected < page_size)
            std::memset(static_cast<char *>(frame_address(frame.value())) + expected, 0, page_size - expected);
        page(count_++) = {frame.value(), 0};
    }
    auto &last = page(count_ - 1);
    return Room{static_cast<char *>(frame_address(last.frame)) + last.end, page_size - last.end};
}

void SendBuffer::wrote(std::uint32_t n)
{
    page(count_ - 1).end += n;
    bytes_ += n;
    unsent_ += n;
}

SendBuffer::Piece SendBuffer::next_unsent() const
{
    auto i = next_page_;
    auto at = next_;
    if (i < count_ && at == page(i).end && i + 1 < count_) {
        ++i;
        at = 0;
    }
    return {static_cast<char const *>(frame_address(page(i).frame)) + at, page(i).end - at};
}

void SendBuffer::handed_over(std::uint32_t n)
{
    if (next_ == page(next_page_).end && next_page_ + 1 < count_) {
        ++next_page_;
        next_ = 0;
    }
    next_ += n;
    unsent_ -= n;
}

void SendBuffer::acknowledged(std::uint32_t n)
{
    ASSERT(n <= bytes_ - unsent_);
    bytes_ -= n;
    start_ += n;
    while (count_ && start_ >= page(0).end && page(0).end == page_size) {
        start_ -= page_size;
        unref_frame(page(0).frame);
        first_ = (first_ + 1) & (capacity_ - 1);
        --count_;
        if (next_page_ == 0)
            next_ = 0;  // all of it had been handed over
        else
            --next_page_;
    }
}

void SendBuffer::clear()
{
    for (std::uint32_t i = 0; i < count_; ++i)
        unref_frame(page(i).frame);
    first_ = count_ = start_ = next_page_ = next_ = bytes_ = unsent_ = 0;
}
}  // namespace kernel::net
