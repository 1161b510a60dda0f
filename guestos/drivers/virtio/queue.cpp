// SPDX-License-Identifier: MIT
// A virtqueue with its memory and its doorbell.
#include <drivers/virtio/common_config.hpp>
#include <drivers/virtio/virtio.hpp>
#include <kernel/log.hpp>
#include <new>

namespace virtio {
Result<> Queue::allocate(unsigned size, bool event_index)
{
    if (size > SplitQueue::max_size)
        return Error::inval;
    slots_ = new (std::nothrow) SplitQueue::Slot[size];
    if (!slots_)
        return Error::nomem;
    TRY(descriptors_.allocate(SplitQueue::descriptor_bytes(size)));
    auto used = used_offset(size);
    TRY(rings_.allocate(used + SplitQueue::used_bytes(size)));
    ring_.init(size, descriptors_.address(), rings_.address(), rings_.address(used), slots_, event_index);
    return {};
}

Queue::~Queue() { delete[] slots_; }

Result<> Queue::add(std::span<Piece const> readable, std::span<Piece const> writable, void *cookie)
{
    arch::IrqGuard guard;
    return ring_.add(readable, writable, cookie);
}

void Queue::notify()
{
    arch::IrqGuard guard;
    if (ring_.must_notify())
        *doorbell_ = index_;
}

bool Queue::take(Done &done)
{
    arch::IrqGuard guard;
    bool was_broken = ring_.broken(), taken = ring_.take(done);
    if (ring_.broken() && !was_broken)
        kernel::log("<3>%s broke the rules of its queue %u; it is not used any more", device_name_, index_);
    return taken;
}

bool Queue::enable_interrupts()
{
    arch::IrqGuard guard;
    return ring_.enable_interrupts();
}

void Queue::disable_interrupts()
{
    arch::IrqGuard guard;
    ring_.disable_interrupts();
}

Result<unsigned> pieces_of(void const *memory, std::uint32_t bytes, std::span<Piece> out)
{
    auto at = static_cast<char const *>(memory);
    unsigned n = 0;
    while (bytes) {
        if (n == out.size())
            return Error::too_big;
        auto in_page = page_size - page_offset(vaddr_of(at));
        auto part = bytes < in_page ? bytes : in_page;
        out[n++] = {arch::dma_address(at), part};
        at += part;
        bytes -= part;
    }
    return n;
}
}  // namespace virtio
