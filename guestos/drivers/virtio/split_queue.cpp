// SPDX-License-Identifier: MIT
// Virtio 1.1, 2.6.5 to 2.6.8, 2.6.13, 2.6.14. The order of stores and loads matters to the device, which runs beside us: x86 keeps
// stores in order among themselves and loads too (SDM Vol. 3A, 8.2.2), so that only the compiler must be held back, except
// between a store and a later load of something else, where a locked instruction stands.
#include <drivers/virtio/split_queue.hpp>

namespace virtio {
namespace {
enum DescriptorFlag : std::uint16_t { has_next = 1, device_writes = 2 };
constexpr std::uint16_t no_interrupt = 1;  // available ring's flags
constexpr std::uint16_t no_notify = 1;     // used ring's flags
constexpr unsigned ring_header = 2;        // flags and index, in units of 16 bits

void keep_order() { asm volatile("" ::: "memory"); }
void store_before_load() { __sync_synchronize(); }

// Has an index that went from `before` to `now` passed `event`? 2.6.7.1, modulo 2^16.
bool passed(std::uint16_t event, std::uint16_t now, std::uint16_t before)
{
    return static_cast<std::uint16_t>(now - event - 1) < static_cast<std::uint16_t>(now - before);
}
}  // namespace

void SplitQueue::init(unsigned size, void *descriptors, void *available, void *used, Slot *slots, bool event_index)
{
    *this = {};
    size_ = free_ = size;
    descriptors_ = static_cast<Descriptor *>(descriptors);
    available_ = static_cast<std::uint16_t volatile *>(available);
    used_ = static_cast<std::uint32_t volatile *>(used);
    slots_ = slots;
    event_index_ = event_index;
    for (unsigned i = 0; i < size; ++i)
        slots_[i] = {nullptr, 0, static_cast<std::uint16_t>(i + 1), 0};
}

bool SplitQueue::break_queue()
{
    broken_ = true;
    return false;
}

// Fills descriptors from `slot` on; `left` counts those of the chain from here. Gives the slot behind the last one filled.
std::uint16_t SplitQueue::link(std::span<Piece const> pieces, std::uint16_t slot, std::uint16_t flags, unsigned left)
{
    for (auto const &piece : pieces) {
        auto next = slots_[slot].next;
        auto more = --left ? std::uint16_t{has_next} : std::uint16_t{0};
        descriptors_[slot] = {piece.address.raw(), piece.bytes, static_cast<std::uint16_t>(flags | more),
                              more ? next : std::uint16_t{0}};
        slot = next;
    }
    return slot;
}

Result<> SplitQueue::add(std::span<Piece const> readable, std::span<Piece const> writable, void *cookie)
{
    std::uint32_t writable_bytes = 0;
    for (auto list : {readable, writable})
        for (auto const &piece : list)
            if (piece.bytes == 0)
                return Error::inval;
    for (auto const &piece : writable)
        if (__builtin_add_overflow(writable_bytes, piece.bytes, &writable_bytes))
            return Error::inval;
    if (readable.empty() && writable.empty())
        return Error::inval;
    if (broken_)
        return Error::io;
    auto length = readable.size() + writable.size();
    if (length > free_)
        return Error::nospc;
    auto head = first_free_, behind = link(readable, head, 0, static_cast<unsigned>(length));
    first_free_ = link(writable, behind, device_writes, static_cast<unsigned>(writable.size()));
    free_ -= static_cast<unsigned>(length);
    slots_[head].cookie = cookie;
    slots_[head].writable_bytes = writable_bytes;
    slots_[head].length = static_cast<std::uint16_t>(length);
    ++chains_out_;
    available_[ring_header + offered_ % size_] = head;
    keep_order();  // descriptors and ring entry before the index
    available_[1] = ++offered_;
    return {};
}

bool SplitQueue::must_notify()
{
    if (broken_ || offered_ == announced_)
        return false;
    store_before_load();  // our index before the device's wish
    auto before = announced_;
    announced_ = offered_;
    if (event_index_) {
        auto avail_event = static_cast<std::uint16_t>(used_[1 + 2 * size_]);
        return passed(avail_event, offered_, before);
    }
    return !(used_[0] & no_notify);
}

// The last look comes after the event index is there for the device to see: a chain used in between announces itself.
bool SplitQueue::something_used() const
{
    if (static_cast<std::uint16_t>(used_[0] >> 16) != taken_)
        return true;
    if (!event_index_ || !interrupts_)
        return false;
    store_before_load();
    return static_cast<std::uint16_t>(used_[0] >> 16) != taken_;
}

bool SplitQueue::take(Done &done)
{
    if (broken_ || !something_used())
        return false;
    auto used_index = static_cast<std::uint16_t>(used_[0] >> 16);
    if (static_cast<std::uint16_t>(used_index - taken_) > chains_out_)
        return break_queue();  // more than we ever gave
    keep_order();              // the index before the entry
    auto head = used_[1 + 2 * (taken_ % size_)], written = used_[2 + 2 * (taken_ % size_)];
    if (head >= size_ || slots_[head].length == 0 || written > slots_[head].writable_bytes)
        return break_queue();
    ++taken_;
    --chains_out_;
    done = {slots_[head].cookie, written};
    auto last = static_cast<std::uint16_t>(head);
    for (unsigned i = 1; i < slots_[head].length; ++i)
        last = slots_[last].next;
    free_ += slots_[head].length;
    slots_[head].length = 0;
    slots_[last].next = first_free_;
    first_free_ = static_cast<std::uint16_t>(head);
    if (event_index_ && interrupts_)
        available_[ring_header + size_] = taken_;
    return true;
}

bool SplitQueue::enable_interrupts()
{
    interrupts_ = true;
    if (event_index_)
        available_[ring_header + size_] = taken_;
    else
        available_[0] = 0;
    store_before_load();
    return !broken_ && static_cast<std::uint16_t>(used_[0] >> 16) != taken_;
}

// With event indices: a mark that the device passes only after another 2^16 - 1 chains.
void SplitQueue::disable_interrupts()
{
    interrupts_ = false;
    if (event_index_)
        available_[ring_header + size_] = static_cast<std::uint16_t>(taken_ - 1);
    else
        available_[0] = no_interrupt;
}
}  // namespace virtio
