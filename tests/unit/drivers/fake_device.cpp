// SPDX-License-Identifier: MIT
#include "fake_device.hpp"

namespace {
constexpr std::uint16_t has_next = 1, device_writes = 2;

template <class T>
std::unique_ptr<std::uint32_t[]> words_for(T bytes)
{
    return std::make_unique<std::uint32_t[]>((bytes + 3) / 4);
}

[[noreturn]] void breach(char const *what) { throw std::logic_error{what}; }
}  // namespace

FakeDevice::FakeDevice(unsigned n, bool events)
    : size{n}, event_index{events}, descriptor_memory{words_for(virtio::SplitQueue::descriptor_bytes(n))},
      available_memory{words_for(virtio::SplitQueue::available_bytes(n))},
      used_memory{words_for(virtio::SplitQueue::used_bytes(n))}, slots{std::make_unique<virtio::SplitQueue::Slot[]>(n)},
      out_(n)
{
    queue.init(n, descriptor_memory.get(), available_memory.get(), used_memory.get(), slots.get(), events);
}

std::vector<FakeDevice::Chain> FakeDevice::fetch()
{
    std::vector<Chain> chains;
    std::uint16_t offered = available()[1];
    if (static_cast<std::uint16_t>(offered - fetched_) > size)
        breach("the available index runs away");
    while (fetched_ != offered) {
        Chain chain{available()[2 + fetched_++ % size], {}, {}};
        for (unsigned at = chain.head;;) {
            if (at >= size || out_[at])
                breach("a chain of descriptors that are not there, or out already");
            out_[at] = true;
            auto const &d = descriptors()[at];
            if (d.flags & ~(has_next | device_writes))
                breach("unknown flags");
            if (!(d.flags & device_writes) && !chain.writable.empty())
                breach("readable behind writable");
            (d.flags & device_writes ? chain.writable : chain.readable).push_back({Maddr{d.address}, d.bytes});
            if (!(d.flags & has_next))
                break;
            at = d.next;
        }
        chains.push_back(chain);
    }
    return chains;
}

void FakeDevice::finish(std::uint32_t head, std::uint32_t written)
{
    finish_at(used_index(), head, written);
    set_used_index(static_cast<std::uint16_t>(used_index() + 1));
    for (unsigned at = head; at < size && out_[at];) {
        out_[at] = false;
        auto const &d = descriptors()[at];
        if (!(d.flags & has_next))
            break;
        at = d.next;
    }
}

void FakeDevice::finish_at(std::uint16_t index, std::uint32_t head, std::uint32_t written)
{
    auto words = used_memory.get() + 1 + 2 * (index % size);
    words[0] = head;
    words[1] = written;
}

bool FakeDevice::interrupts(std::uint16_t before) const
{
    if (!event_index)
        return !(available()[0] & 1);
    std::uint16_t event = available()[2 + size], now = used_index();
    for (std::uint16_t i = before; i != now; ++i)  // word by word: "the used index passes the event"
        if (i == event)
            return true;
    return false;
}
