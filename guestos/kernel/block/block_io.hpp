// SPDX-License-Identifier: MIT
// One transfer between memory and a block device, and where it waits for its end.
//
//   BlockIo { write, sector 80, segments {frame 7, 0, 4096}, {frame 9, 512, 1024} }
//      |  BlockDevice::submit()          returns at once
//      v
//   device works ... done(io)            once, from an interrupt handler or from submit() itself: it wakes, counts and sets
//                                        flags, allocates nothing and drops no reference
//
// Sectors count 512 bytes, whatever the device's own blocks are; a segment is part of one frame and whole sectors long.
// Transfers that are under way at the same time have no order among each other. A flush makes durable what was done before it
// was submitted.
#pragma once
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <kernel/process/wait.hpp>
#include <lib/addr.hpp>

namespace kernel {
inline constexpr unsigned sector_shift = 9;
inline constexpr std::uint32_t sector_bytes = 1u << sector_shift;

enum class BlockOp : std::uint8_t { read, write, flush, discard };

struct BlockSegment {
    Pfn frame;
    std::uint16_t offset, bytes;  // bytes: 512 .. page_size
};
static_assert(sizeof(BlockSegment) == 8);

struct BlockIo;
// What a driver is given: one BlockIo, or several neighbours on the disk in the order of their sectors. It lives in the BlockIo
// that began it. request_queue.hpp
struct BlockRequest : boost::intrusive::set_base_hook<>, boost::intrusive::list_base_hook<> {
    BlockIo *first = nullptr, *last = nullptr;
    std::uint64_t sector = 0;
    std::uint32_t sectors = 0, segments = 0;
    std::uint64_t queued_ns = 0;
    BlockOp op = BlockOp::read;
    bool fua = false;
    // A driver's that cuts a request in parts: how many are under way, and the error of one.
    std::uint32_t parts = 0;
    Error error = Error::none;
    friend bool operator<(BlockRequest const &a, BlockRequest const &b) { return a.sector < b.sector; }
    // Calls f(segment) for each, in the order of the sectors.
    template <class F>
    void for_each_segment(F f) const;
};

struct BlockIo {
    BlockOp op = BlockOp::read;
    bool fua = false;  // of a write: durable when done
    std::uint64_t sector = 0;
    std::uint32_t sectors = 0;  // of a read or write: the sum of its segments
    BlockSegment const *segments = nullptr;
    std::uint32_t segment_count = 0;
    void (*done)(BlockIo &) = nullptr;
    void *context = nullptr;
    Error result = Error::none;  // once it is done
    // The device's, from submit() to done().
    BlockIo *next = nullptr;
    BlockRequest request;
    std::uint64_t started_ns = 0;
    class BlockDevice *device = nullptr;
};

template <class F>
void BlockRequest::for_each_segment(F f) const
{
    for (auto *io = first; io; io = io->next)
        for (std::uint32_t i = 0; i < io->segment_count; ++i)
            f(io->segments[i]);
}

// Waits for any number of transfers; the first error among them is the result.
class IoWait {
public:
    IoWait() = default;
    IoWait(IoWait const &) = delete;
    IoWait &operator=(IoWait const &) = delete;
    ~IoWait() { (void)wait(); }
    // Makes io tell this object; to be called before io is submitted.
    void expect(BlockIo &io)
    {
        arch::IrqGuard guard;
        io.context = this;
        io.done = [](BlockIo &ended) { static_cast<IoWait *>(ended.context)->ended(ended.result); };
        ++pending_;
    }
    void expect_one()  // whose owner calls ended()
    {
        arch::IrqGuard guard;
        ++pending_;
    }
    void ended(Error e)
    {
        arch::IrqGuard guard;
        if (e != Error::none && error_ == Error::none)
            error_ = e;
        if (--pending_ == 0)
            queue_.wake_all();
    }
    Result<> wait()
    {
        (void)wait_until(
            queue_, [this] { return pending_ == 0; }, Sleep::uninterruptible);
        return error_ == Error::none ? Result<>{} : Result<>{error_};
    }

private:
    WaitQueue queue_;
    std::uint32_t pending_ = 0;
    Error error_ = Error::none;
};

// A BlockIo with room for its segments, for those who do not wait where they submit. From its device's pool.
struct PooledIo : BlockIo, boost::intrusive::slist_base_hook<> {
    static constexpr std::uint32_t room = 32;
    BlockSegment storage[room];
    void *owner = nullptr;  // whoever took it
    // False: no room, or not the continuation of what is there.
    bool append(Pfn frame, std::uint32_t offset, std::uint32_t bytes, std::uint64_t at_sector);
};
}  // namespace kernel
