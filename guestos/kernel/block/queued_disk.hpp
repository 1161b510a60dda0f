// SPDX-License-Identifier: MIT
// A disk behind a queue of requests: sorts them by sector, joins neighbours into large ones, and keeps as many with the device as
// it takes.
//
//   submit ---> reads   [sector 8 ..][96 ..........][400 ..]        elevator: upwards from the last one, sixteen in a row,
//          |-> writes  [64 .....][4096 ..............]            reads before writes, but nobody waits for ever
//          '-> flushes, discards: in their order, before the rest
//                 |
//                 v  issue(request)   while fewer than limits().depth are with the device
//              driver  ---> ended(request, error)     from its interrupt handler
#pragma once
#include <kernel/block/block_device.hpp>

namespace kernel {
class QueuedDisk : public BlockDevice {
public:
    using BlockDevice::BlockDevice;
    void plug() override { ++plugged_; }
    void unplug() override;
    unsigned with_device() const { return with_device_; }

protected:
    // Gives the device a request; false: it has no room now, room() or ended() will try again. Interrupts are off.
    virtual bool issue(BlockRequest &) = 0;
    virtual void issued() {}  // that was all for now: tell the device. Interrupts are off
    // The driver's answer, once for each request that issue() took.
    void ended(BlockRequest &, Error);
    void room();  // there is room again, or the device came back
    void start(BlockIo &) override;
    // The device is lost: what waits here gets this error. What is with the device, the driver ends itself.
    void fail_waiting(Error);
    // The device forgot a request that issue() took: it waits again, before all others.
    void take_back(BlockRequest &);

private:
    using Sorted = boost::intrusive::multiset<BlockRequest, boost::intrusive::constant_time_size<false>>;
    using Fifo = boost::intrusive::list<BlockRequest, boost::intrusive::constant_time_size<false>>;
    bool merge(BlockIo &);
    bool merge_behind(Sorted &, Sorted::iterator after, BlockIo &);
    void join_next(Sorted &, BlockRequest &);
    bool fits(BlockRequest const &, std::uint32_t sectors, std::uint32_t segments) const;
    BlockRequest *choose();
    void new_batch();
    void remove(BlockRequest &);
    void dispatch();
    void answer(BlockRequest &, Error);

    static constexpr unsigned batch_size = 16, reads_before_write = 2;
    Sorted sorted_[2];  // BlockOp::read, BlockOp::write
    Fifo fifo_[2];      // the same, oldest first
    Fifo urgent_;       // flush, discard, taken back
    unsigned plugged_ = 0, with_device_ = 0;
    unsigned direction_ = 0, batch_left_ = 0, starved_ = 0;
    std::uint64_t position_ = 0;
    bool dispatching_ = false;
};
}  // namespace kernel
