// SPDX-License-Identifier: MIT
#include <algorithm>
#include <kernel/block/disk_pages.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/write_back.hpp>

namespace kernel {
void IoBatch::add(Pfn frame, std::uint32_t offset, std::uint32_t bytes, std::uint64_t sector)
{
    if (count_ != 0 && ios_[count_ - 1]->append(frame, offset, bytes, sector))
        return;
    if (count_ == most)
        start();
    auto *io = device_.try_take_io();
    if (!io) {
        start();  // ours may be the ones that are missing
        io = &device_.take_io();
    }
    io->op = op_;
    io->done = done_;
    io->context = wait_;
    if (wait_)
        wait_->expect_one();
    ios_[count_++] = io;
    (void)io->append(frame, offset, bytes, sector);
}

void IoBatch::start()
{
    if (count_ == 0)
        return;
    BlockPlug plug{device_};
    for (unsigned i = 0; i < count_; ++i)
        device_.submit(*ios_[i]);
    count_ = 0;
}

void tell_wait(BlockIo &io)
{
    auto &wait = *static_cast<IoWait *>(io.context);
    auto const result = io.result;
    io.device->give_back(static_cast<PooledIo &>(io));
    wait.ended(result);
}

// Bytes that lie together, or nowhere: page by page into the batch.
void DiskPages::transfer_piece(IoBatch &batch, std::uint64_t at, std::uint32_t bytes, Result<Place> const &place,
                               bool write)
{
    auto sector = place.ok() ? place.value().sector : 0;
    while (bytes != 0) {
        auto const frame = resident_frame(static_cast<std::uint32_t>(at >> page_shift));
        auto const offset = static_cast<std::uint32_t>(at) & ~page_mask;
        auto const n = std::min(bytes, page_size - offset);
        if (!place.ok()) {
            add_transfer(frame);
            end_transfer(frame, place.error(), write);
        } else if (!place.value().hole) {
            add_transfer(frame);
            batch.add(frame, offset, n, sector);
            sector += n >> sector_shift;
        } else if (!write) {
            std::memset(static_cast<char *>(frame_address(frame)) + offset, 0, n);
        }
        bytes -= n;
        at += n;
    }
}

void DiskPages::transfer_pages(BlockOp op, std::uint32_t first, std::uint32_t count)
{
    bool const write = op == BlockOp::write;
    struct Moved {  // for a local class may use what is protected
        static void done(BlockIo &io)
        {
            bool const wrote = io.op == BlockOp::write;
            for (std::uint32_t i = 0; i < io.segment_count; ++i)
                end_transfer(io.segments[i].frame, io.result, wrote);
            io.device->give_back(static_cast<PooledIo &>(io));
        }
    };
    for (std::uint32_t i = 0; i < count; ++i)
        begin_transfers(resident_frame(first + i));
    {
        WriteBackScope others_wait;  // for these pages, so that what says where they lie may take the last frames
        IoBatch batch{disk(), op, Moved::done};
        auto at = std::uint64_t{first} << page_shift;
        auto const end = at + (std::uint64_t{count} << page_shift);
        while (at < end) {
            auto place = locate(at, static_cast<std::uint32_t>(end - at));
            if (!place.ok() && place.error() == Error::nomem) {
                batch.start();
                if (wait_for_memory())
                    continue;
            }
            auto n = place.ok() ? place.value().bytes : page_size - (static_cast<std::uint32_t>(at) & ~page_mask);
            transfer_piece(batch, at, n, place, write);
            at += n;
        }
    }
    for (std::uint32_t i = 0; i < count; ++i)
        end_transfer(resident_frame(first + i), Error::none, write);
}

void DiskPages::read_pages(std::uint32_t first, std::uint32_t count) { transfer_pages(BlockOp::read, first, count); }

void DiskPages::write_pages(std::uint32_t first, std::uint32_t count) { transfer_pages(BlockOp::write, first, count); }

namespace {
// Frames to copy through: a program's memory may go or change while a device works on it, these do not.
class Bounce {
public:
    static constexpr unsigned most = 64;
    ~Bounce()
    {
        for (unsigned i = 0; i < count_; ++i)
            unref_frame(frames_[i]);
    }
    // As many as there are; one at least, or Error::nomem.
    Result<unsigned> allocate(unsigned wanted)
    {
        while (count_ < wanted && count_ < most) {
            auto frame = count_ == 0 ? allocate_frame() : allocate_user_frame(false);
            if (!frame.ok())
                break;
            frames_[count_++] = frame.value();
        }
        return count_ ? Result<unsigned>{count_} : Result<unsigned>{Error::nomem};
    }
    Pfn operator[](unsigned i) const { return frames_[i]; }
    char *address(std::size_t at) const
    {
        return static_cast<char *>(frame_address(frames_[at >> page_shift])) + (at & ~page_mask);
    }

private:
    Pfn frames_[most];
    unsigned count_ = 0;
};

// Moves `bytes` between the bounce frames and the buffer; the number moved before the program's memory failed.
std::size_t copy(Bounce const &bounce, IoBuffer &buffer, std::size_t bytes, bool to_buffer)
{
    std::size_t done = 0;
    while (done < bytes) {
        auto n = std::min<std::size_t>(bytes - done, page_size - (done & ~page_mask));
        auto moved = to_buffer ? buffer.put(bounce.address(done), n) : buffer.get(bounce.address(done), n);
        done += moved.value_or(0);
        if (moved.value_or(0) < n)
            break;
    }
    return done;
}
}  // namespace

// 64 frames are 256 bytes of stack: a call is at most two deep in here.
Result<std::size_t> DiskPages::direct_round(BlockOp op, IoBuffer &buffer, std::uint64_t position, std::size_t bytes)
{
    Bounce bounce;
    auto frames = TRY(bounce.allocate(pages_for(static_cast<std::uint32_t>(bytes))));
    bytes = std::min<std::size_t>(bytes, std::size_t{frames} << page_shift);
    if (op == BlockOp::write) {
        bytes = copy(bounce, buffer, bytes, false) & ~std::size_t{sector_bytes - 1};
        if (bytes == 0)
            return Error::fault;
    }
    IoWait wait;
    {
        IoBatch batch{disk(), op, tell_wait, &wait};
        for (std::size_t at = 0; at < bytes;) {
            auto place = TRY(locate(position + at, static_cast<std::uint32_t>(bytes - at)));
            for (auto left = place.bytes; left != 0;) {
                auto const offset = static_cast<std::uint32_t>(at) & ~page_mask;
                auto const n = std::min(left, page_size - offset);
                if (place.hole)
                    std::memset(bounce.address(at), 0, n);
                else
                    batch.add(bounce[static_cast<unsigned>(at >> page_shift)], offset, n, place.sector);
                place.sector += n >> sector_shift;
                left -= n;
                at += n;
            }
        }
    }
    TRY(wait.wait());
    if (op == BlockOp::write)
        return bytes;
    auto moved = copy(bounce, buffer, bytes, true);
    return moved != 0 ? Result<std::size_t>{moved} : Result<std::size_t>{Error::fault};
}

Result<std::size_t> DiskPages::direct(BlockOp op, IoBuffer &buffer, std::uint64_t position, std::size_t bytes)
{
    std::size_t done = 0;
    while (done < bytes) {
        auto n = std::min<std::size_t>(bytes - done, std::size_t{Bounce::most} << page_shift);
        auto moved = direct_round(op, buffer, position + done, n);
        if (!moved.ok() && moved.error() == Error::nomem && wait_for_memory())
            continue;
        if (!moved.ok())
            return done ? Result<std::size_t>{done} : moved;
        done += moved.value();
        if (moved.value() % sector_bytes != 0)
            break;  // the program's memory ended
    }
    return done;
}
}  // namespace kernel
