// SPDX-License-Identifier: MIT
#include <arch/clock.hpp>
#include <iterator>
#include <kernel/block/queued_disk.hpp>

namespace kernel {
namespace {
// A request that waited so long goes next: reads, writes.
constexpr std::uint64_t patience_ns[2] = {500'000'000, 5'000'000'000};
constexpr unsigned index_of(BlockOp op) { return op == BlockOp::read ? 0 : 1; }

struct BySector {
    bool operator()(BlockRequest const &a, std::uint64_t b) const { return a.sector < b; }
    bool operator()(std::uint64_t a, BlockRequest const &b) const { return a < b.sector; }
};

BlockRequest &begin(BlockIo &io)
{
    auto &r = io.request;
    r.first = r.last = &io;
    r.op = io.op;
    r.fua = io.fua;
    r.sector = io.sector;
    r.sectors = io.sectors;
    r.segments = io.segment_count;
    r.queued_ns = arch::now_ns();
    return r;
}
}  // namespace

void QueuedDisk::start(BlockIo &io)
{
    arch::IrqGuard guard;
    io.next = nullptr;
    if (io.op != BlockOp::read && io.op != BlockOp::write) {
        urgent_.push_back(begin(io));
    } else if (!merge(io)) {
        auto &r = begin(io);
        sorted_[index_of(io.op)].insert(r);
        fifo_[index_of(io.op)].push_back(r);
    }
    dispatch();
}

bool QueuedDisk::fits(BlockRequest const &r, std::uint32_t sectors, std::uint32_t segments) const
{
    return r.sectors + sectors <= limits_.max_sectors && r.segments + segments <= limits_.max_segments;
}

// Joins io to a waiting request that ends where it begins, or begins where it ends.
bool QueuedDisk::merge(BlockIo &io)
{
    auto &sorted = sorted_[index_of(io.op)];
    auto after = sorted.lower_bound(io.sector, BySector{});
    if (merge_behind(sorted, after, io))
        return true;
    for (; after != sorted.end() && after->sector <= io.sector + io.sectors; ++after) {
        auto &r = *after;
        if (r.sector != io.sector + io.sectors || r.fua != io.fua || !fits(r, io.sectors, io.segment_count))
            continue;
        sorted.erase(after);
        io.next = r.first;
        r.first = &io;
        r.sector = io.sector;
        r.sectors += io.sectors;
        r.segments += io.segment_count;
        sorted.insert(r);
        ++statistics.merges[index_of(io.op)];
        return true;
    }
    return false;
}

bool QueuedDisk::merge_behind(Sorted &sorted, Sorted::iterator after, BlockIo &io)
{
    if (after == sorted.begin())
        return false;
    auto &r = *std::prev(after);
    if (r.sector + r.sectors != io.sector || r.fua != io.fua || !fits(r, io.sectors, io.segment_count))
        return false;
    r.last->next = &io;
    r.last = &io;
    r.sectors += io.sectors;
    r.segments += io.segment_count;
    ++statistics.merges[index_of(io.op)];
    join_next(sorted, r);
    return true;
}

// A gap was filled: two waiting requests may have become neighbours.
void QueuedDisk::join_next(Sorted &sorted, BlockRequest &r)
{
    auto next = std::next(sorted.iterator_to(r));
    if (next == sorted.end() || next->sector != r.sector + r.sectors || next->fua != r.fua
        || !fits(r, next->sectors, next->segments))
        return;
    auto &n = *next;
    remove(n);
    r.last->next = n.first;
    r.last = n.last;
    r.sectors += n.sectors;
    r.segments += n.segments;
    ++statistics.merges[index_of(r.op)];
}

void QueuedDisk::remove(BlockRequest &r)
{
    auto const i = index_of(r.op);
    sorted_[i].erase(sorted_[i].iterator_to(r));
    fifo_[i].erase(fifo_[i].iterator_to(r));
}

void QueuedDisk::new_batch()
{
    bool const reads = !sorted_[0].empty(), writes = !sorted_[1].empty();
    direction_ = reads && (!writes || starved_ < reads_before_write) ? 0 : 1;
    starved_ = direction_ == 0 && writes ? starved_ + 1 : 0;
    batch_left_ = batch_size;
    auto &oldest = fifo_[direction_].front();
    if (arch::now_ns() - oldest.queued_ns > patience_ns[direction_])
        position_ = oldest.sector;
}

BlockRequest *QueuedDisk::choose()
{
    if (!urgent_.empty())
        return &urgent_.front();
    if (sorted_[0].empty() && sorted_[1].empty())
        return nullptr;
    if (batch_left_ == 0 || sorted_[direction_].empty())
        new_batch();
    --batch_left_;
    auto &sorted = sorted_[direction_];
    auto at = sorted.lower_bound(position_, BySector{});
    return at != sorted.end() ? &*at : &*sorted.begin();
}

void QueuedDisk::dispatch()
{
    if (dispatching_)
        return;  // issue() ended one at once
    dispatching_ = true;
    bool any = false;
    while (plugged_ == 0 && with_device_ < limits_.depth) {
        auto *r = choose();
        if (!r)
            break;
        bool const urgent = !urgent_.empty();
        if (urgent)
            urgent_.pop_front();
        else
            remove(*r);
        ++with_device_;
        auto const end = r->sector + r->sectors;
        if (!issue(*r)) {
            --with_device_;
            if (gone) {
                answer(*r, Error::io);
                continue;
            }
            r->queued_ns = arch::now_ns();
            urgent_.push_front(*r);
            break;
        }
        any = true;
        if (!urgent)
            position_ = end;
    }
    dispatching_ = false;
    if (any)
        issued();
}

void QueuedDisk::unplug()
{
    arch::IrqGuard guard;
    ASSERT(plugged_ != 0);
    if (--plugged_ == 0)
        dispatch();
}

// A write that must be durable, on a device that cannot promise it for one write: a flush follows before it is done.
void QueuedDisk::answer(BlockRequest &r, Error error)
{
    bool const flush_after = r.op == BlockOp::write && r.fua && !limits_.fua && limits_.write_cache;
    for (auto *io = r.first; io;) {
        auto *next = io->next;  // done() may hand io to somebody else
        if (flush_after && error == Error::none) {
            io->next = nullptr;
            io->op = BlockOp::flush;
            urgent_.push_back(begin(*io));
        } else {
            finish(*io, error);
        }
        io = next;
    }
}

void QueuedDisk::ended(BlockRequest &r, Error error)
{
    arch::IrqGuard guard;
    ASSERT(with_device_ != 0);
    --with_device_;
    answer(r, error);
    dispatch();
}

void QueuedDisk::room()
{
    arch::IrqGuard guard;
    dispatch();
}

void QueuedDisk::take_back(BlockRequest &r)
{
    arch::IrqGuard guard;
    ASSERT(with_device_ != 0);
    --with_device_;
    urgent_.push_front(r);
}

void QueuedDisk::fail_waiting(Error error)
{
    arch::IrqGuard guard;
    while (!urgent_.empty()) {
        auto &r = urgent_.front();
        urgent_.pop_front();
        answer(r, error);
    }
    for (auto &sorted : sorted_) {
        while (!sorted.empty()) {
            auto &r = *sorted.begin();
            remove(r);
            answer(r, error);
        }
    }
}
}  // namespace kernel
