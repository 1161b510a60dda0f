// SPDX-License-Identifier: MIT
// A split virtqueue: chains of memory pieces go to the device, used chains come back. Only memory: no register, no interrupt
// (queue.hpp has them), so that it runs on the host against a hostile device. Virtio 1.1, 2.6 "Split Virtqueues".
//
//   descriptors            available ring (driver writes)      used ring (device writes)
//   +------------------+   +-------------------------+         +--------------------------------+
//   | address          |   | flags, index            |         | flags, index                   |
//   | bytes, flags     | <-| ring[size]: chain heads |         | ring[size]: chain head, bytes  |
//   | next             |   | used_event              |         | avail_event                    |
//   +------------------+   +-------------------------+         +--------------------------------+
//
// Nothing that the device can write is believed: which chains are out, how long they are and how much the device may have
// written stands in our own memory. A device that breaks a rule breaks its queue: from then on nothing goes in or out.
#pragma once
#include <cstdint>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <span>

namespace virtio {
// Memory for the device: inside one page, or a machine-contiguous run.
struct Piece {
    Maddr address;
    std::uint32_t bytes;
};

struct Descriptor {
    std::uint64_t address;
    std::uint32_t bytes;
    std::uint16_t flags, next;
};
static_assert(sizeof(Descriptor) == 16);

class SplitQueue {
public:
    static constexpr unsigned max_size = 1024;
    static constexpr std::uint32_t descriptor_bytes(unsigned size) { return 16 * size; }    // aligned to 16
    static constexpr std::uint32_t available_bytes(unsigned size) { return 6 + 2 * size; }  // aligned to 2
    static constexpr std::uint32_t used_bytes(unsigned size) { return 6 + 8 * size; }       // aligned to 4

    // Our own record of a descriptor that is out. For the head of a chain: the chain.
    struct Slot {
        void *cookie;
        std::uint32_t writable_bytes;
        std::uint16_t next, length;  // length 0: not the head of a chain that is out
    };

    // All memory zeroed; `slots` is one for each descriptor, in memory that the device does not know. size: a power of two.
    void init(unsigned size, void *descriptors, void *available, void *used, Slot *slots, bool event_index);

    // Offers a chain: first what the device reads, then what it writes. `cookie` (not nullptr) comes back from take().
    // Error::nospc: too few free descriptors. Error::inval: no piece, or one without bytes. Error::io: the queue is broken.
    Result<> add(std::span<Piece const> readable, std::span<Piece const> writable, void *cookie);
    // After one or more add(): does the device want to be told?
    bool must_notify();

    struct Done {
        void *cookie;
        std::uint32_t written;  // bytes; at most what was writable
    };
    // The next chain that the device is done with; false: none (or the queue is broken).
    bool take(Done &);

    // Interrupts for used chains; on after init(). enable() answers whether a chain came meanwhile: then take() again.
    bool enable_interrupts();
    void disable_interrupts();

    bool broken() const { return broken_; }
    unsigned size() const { return size_; }
    unsigned free_descriptors() const { return free_; }
    unsigned chains_out() const { return chains_out_; }

private:
    std::uint16_t link(std::span<Piece const> pieces, std::uint16_t slot, std::uint16_t flags, unsigned left);
    bool break_queue();
    bool something_used() const;

    unsigned size_ = 0;
    Descriptor *descriptors_ = nullptr;
    std::uint16_t volatile *available_ = nullptr;
    std::uint32_t volatile *used_ = nullptr;
    Slot *slots_ = nullptr;
    bool event_index_ = false, broken_ = false, interrupts_ = true;
    unsigned free_ = 0, chains_out_ = 0;
    std::uint16_t first_free_ = 0;
    std::uint16_t offered_ = 0, announced_ = 0;  // available index: now, and when the device was last told
    std::uint16_t taken_ = 0;                    // used index up to which take() has gone
};
}  // namespace virtio
