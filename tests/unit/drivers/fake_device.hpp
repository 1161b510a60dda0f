// SPDX-License-Identifier: MIT
// The device's end of a split virtqueue, as Virtio 1.1, 2.6 describes it; and a driver's rules, checked: a breach throws.
// Memory is poisoned around each part, so that a step beside it ends the test.
#pragma once
#include <drivers/virtio/split_queue.hpp>
#include <memory>
#include <stdexcept>
#include <vector>

struct FakeDevice {
    explicit FakeDevice(unsigned n, bool events);

    struct Chain {
        std::uint16_t head;
        std::vector<virtio::Piece> readable, writable;
    };
    // Everything the driver has offered since the last call; checks each chain.
    std::vector<Chain> fetch();
    void finish(std::uint32_t head, std::uint32_t written);  // any value goes into the ring
    std::uint16_t used_index() const { return used()[1]; }
    void set_used_index(std::uint16_t v) { used()[1] = v; }

    // Does the device, by the standard, have to interrupt after its used index went from `before` to now?
    bool interrupts(std::uint16_t before) const;
    // What the driver asked the device for: notifications wanted from this available index on (event index) or at all.
    void want_notification_at(std::uint16_t index) { used()[2 + 4 * size] = index; }
    void want_notifications(bool yes) { used()[0] = yes ? 0 : 1; }

    std::uint16_t *available() const { return reinterpret_cast<std::uint16_t *>(available_memory.get()); }
    std::uint16_t *used() const { return reinterpret_cast<std::uint16_t *>(used_memory.get()); }
    virtio::Descriptor *descriptors() const { return reinterpret_cast<virtio::Descriptor *>(descriptor_memory.get()); }

    unsigned const size;
    bool const event_index;
    std::unique_ptr<std::uint32_t[]> descriptor_memory, available_memory, used_memory;
    std::unique_ptr<virtio::SplitQueue::Slot[]> slots;
    virtio::SplitQueue queue;

private:
    void finish_at(std::uint16_t index, std::uint32_t head, std::uint32_t written);
    std::uint16_t fetched_ = 0;
    std::vector<bool> out_;  // descriptor is part of a chain that the device holds
};
