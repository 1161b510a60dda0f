// SPDX-License-Identifier: MIT
// Packets in order of arrival: a ring that grows on the heap.
#pragma once
#include <kernel/net/packet.hpp>
#include <memory>
#include <new>

namespace kernel::net {
class PacketQueue {
public:
    PacketQueue() = default;
    ~PacketQueue() { clear(); }
    PacketQueue(PacketQueue const &) = delete;
    PacketQueue &operator=(PacketQueue const &) = delete;
    bool empty() const { return count_ == 0; }
    std::uint32_t count() const { return count_; }
    pbuf *front() const { return slots_[first_]; }
    pbuf *back() const { return at(count_ - 1); }
    pbuf *at(std::uint32_t i) const { return slots_[(first_ + i) & (capacity_ - 1)]; }
    bool push(Packet &&p)  // false: no memory, the packet stays the caller's
    {
        if (count_ == capacity_ && !grow())
            return false;
        slots_[(first_ + count_++) & (capacity_ - 1)] = p.release();
        return true;
    }
    Packet pop()
    {
        pbuf *p = slots_[first_];
        first_ = (first_ + 1) & (capacity_ - 1);
        --count_;
        return Packet{p};
    }
    void unpop(Packet &&p)  // only after a pop()
    {
        first_ = (first_ - 1) & (capacity_ - 1);
        slots_[first_] = p.release();
        ++count_;
    }
    void clear()
    {
        while (!empty())
            (void)pop();
    }

private:
    bool grow()
    {
        std::uint32_t bigger = capacity_ ? capacity_ * 2 : 8;
        std::unique_ptr<pbuf *[]> slots { new (std::nothrow) pbuf *[bigger] };
        if (!slots)
            return false;
        for (std::uint32_t i = 0; i < count_; ++i)
            slots[i] = at(i);
        slots_ = std::move(slots);
        capacity_ = bigger;
        first_ = 0;
        return true;
    }
    std::unique_ptr<pbuf *[]> slots_;
    std::uint32_t first_ = 0, count_ = 0, capacity_ = 0;
};
}  // namespace kernel::net
