// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <kernel/block/block_file.hpp>
#include <kernel/block/loop.hpp>
#include <kernel/block/partition.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/process/process.hpp>
#include <lib/format.hpp>
#include <linux/falloc.h>
#include <linux/fcntl.h>

namespace kernel {
namespace {
constexpr std::uint32_t loop_major = 7;
struct LoopName {
    char text[16];
    explicit LoopName(unsigned n) { format(text, sizeof text, "loop%u", n); }
};
}  // namespace

LoopDevice::LoopDevice(unsigned number) : BlockDevice{LoopName{number}.text}, number_{number}
{
    limits_.write_cache = true;
    limits_.discard = true;
    limits_.discard_granularity = page_size;
}

Result<Ref<LoopDevice>> loop_device(unsigned number)
{
    auto found = find_block_device(loop_major, number);
    if (found)
        return Ref<LoopDevice>{found->as_loop()};
    auto made = TRY(make_ref<LoopDevice>(number));
    TRY(add_block_device(made, loop_major, number));
    return made;
}

void LoopDevice::start(BlockIo &io)
{
    arch::IrqGuard guard;
    if (!running_ || stop_)
        return finish(io, Error::io);
    io.next = nullptr;
    (first_ ? last_->next : first_) = &io;
    last_ = &io;
    changed_.wake_all();
}

void LoopDevice::thread(void *argument)
{
    auto &loop = *static_cast<LoopDevice *>(argument);
    current().serves_write_back = true;
    for (;;) {
        (void)wait_until(
            loop.changed_, [&] { return loop.first_ || loop.stop_; }, Sleep::uninterruptible);
        BlockIo *io = nullptr;
        {
            arch::IrqGuard guard;
            io = loop.first_;
            if (io)
                loop.first_ = io->next;
        }
        if (!io)
            break;
        loop.serve(*io);
    }
    loop.running_ = false;
    loop.changed_.wake_all();
    loop.unref();
}

void LoopDevice::serve(BlockIo &io)
{
    Result<> result{};
    switch (io.op) {
    case BlockOp::read:
    case BlockOp::write: result = move(io); break;
    case BlockOp::flush: result = file_->sync(true); break;
    case BlockOp::discard:
        result = file_->allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                 (io.sector << sector_shift) + info_.lo_offset,
                                 std::uint64_t{io.sectors} << sector_shift);
        break;
    }
    if (result.ok() && io.op == BlockOp::write && io.fua)
        result = file_->sync(true);
    finish(io, result.ok() ? Error::none : result.error() == Error::opnotsupp ? Error::opnotsupp : Error::io);
}

// What lies behind the file's end reads as zeroes: it was cut short below us, or ends within a sector.
Result<> LoopDevice::move(BlockIo const &io)
{
    auto at = (io.sector << sector_shift) + info_.lo_offset;
    for (std::uint32_t i = 0; i < io.segment_count; ++i) {
        auto const &s = io.segments[i];
        auto *memory = static_cast<char *>(frame_address(s.frame)) + s.offset;
        auto buffer = IoBuffer::kernel(memory, s.bytes);
        while (buffer.left() != 0) {
            auto n = TRY(io.op == BlockOp::read ? file_->read(buffer, at) : file_->write(buffer, at));
            if (n != 0)
                continue;
            if (io.op == BlockOp::write)
                return Error::io;
            std::memset(memory + s.bytes - buffer.left(), 0, buffer.left());
            at += buffer.left();
            break;
        }
    }
    return {};
}

std::uint64_t LoopDevice::file_bytes() const
{
    auto end = file_->end_position();
    auto bytes = end.ok() ? end.value() : 0;
    bytes = bytes > info_.lo_offset ? bytes - info_.lo_offset : 0;
    return info_.lo_sizelimit != 0 ? std::min<std::uint64_t>(bytes, info_.lo_sizelimit) : bytes;
}

Result<> LoopDevice::update_size()
{
    if (!file_)
        return Error::nxio;
    auto const mask = std::uint64_t{limits_.logical_bytes} - 1;
    set_sectors((file_bytes() & ~mask) >> sector_shift);
    return {};
}

namespace {
Result<> check_file(File &file, LoopDevice const &loop)
{
    auto inode = file.inode();
    if (!inode || (inode->type() != s_ifreg && inode->type() != s_ifblk))
        return Error::inval;
    for (auto *under = file.as_block_file(); under;) {  // a chain of loop devices must end
        auto *below = under->device().whole().as_loop();
        if (below == &loop)
            return Error::badf;
        under = below && below->file() ? const_cast<File *>(below->file())->as_block_file() : nullptr;
    }
    return {};
}
}  // namespace

Result<> LoopDevice::bind(Ref<File> file, loop_info64 const &wanted, std::uint32_t block_bytes, bool ro)
{
    TRY(check_file(*file, *this));
    if (file_ || running_)
        return Error::busy;
    if (!has_pool())
        TRY(make_pool(64));
    auto const before = limits_.logical_bytes;
    if (block_bytes != 0)
        TRY(set_block_bytes(block_bytes));
    info_ = {};
    read_only_ = ro || !file->writable();
    file_ = std::move(file);
    stop_ = false;
    auto set = set_info(wanted);
    ref();  // the thread's
    running_ = set.ok();
    auto started = set.ok() ? start_kernel_thread(name(), thread, this) : Result<Ref<Thread>>{set.error()};
    if (started.ok())
        return update_size();
    running_ = false;
    file_ = nullptr;
    limits_.logical_bytes = before;
    unref();
    return started.error();
}

Result<> LoopDevice::set_info(loop_info64 const &wanted)
{
    if (!file_)
        return Error::nxio;
    if (wanted.lo_encrypt_type != 0)
        return Error::inval;
    constexpr std::uint32_t settable = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO;
    if ((wanted.lo_offset & (sector_bytes - 1)) != 0)
        return Error::inval;
    TRY(pages().write_and_wait());
    pages().invalidate(0, ~0u);
    info_.lo_offset = wanted.lo_offset;
    info_.lo_sizelimit = wanted.lo_sizelimit;
    info_.lo_flags = (wanted.lo_flags & settable) | (read_only_ ? unsigned{LO_FLAGS_READ_ONLY} : 0u);
    std::memcpy(info_.lo_file_name, wanted.lo_file_name, LO_NAME_SIZE);
    info_.lo_file_name[LO_NAME_SIZE - 1] = 0;
    TRY(update_size());
    if ((info_.lo_flags & LO_FLAGS_PARTSCAN) != 0 && running_)
        (void)scan_partitions(*this);
    return {};
}

loop_info64 LoopDevice::info() const
{
    auto i = info_;
    i.lo_number = number_;
    if (auto inode = file_ ? file_->inode() : Ref<Inode>{}; inode) {
        i.lo_device = inode->super.device;
        i.lo_inode = inode->attributes.ino;
        i.lo_rdevice = inode->type() == s_ifblk ? inode->attributes.rdev_major << 8 | inode->attributes.rdev_minor : 0;
    }
    return i;
}

Result<> LoopDevice::set_block_bytes(std::uint32_t n)
{
    if (n < sector_bytes || n > page_size || (n & (n - 1)) != 0)
        return Error::inval;
    if (bound()) {
        TRY(pages().write_and_wait());
        pages().invalidate(0, ~0u);
    }
    limits_.logical_bytes = limits_.physical_bytes = n;
    return bound() ? update_size() : Result<>{};
}

Result<> LoopDevice::change_file(Ref<File> file)
{
    if (!file_)
        return Error::nxio;
    if (!read_only_)
        return Error::inval;
    TRY(check_file(*file, *this));
    auto end = TRY(file->end_position());
    if (end != TRY(file_->end_position()))
        return Error::inval;
    pages().invalidate(0, ~0u);
    file_ = std::move(file);
    return {};
}

void LoopDevice::stop()
{
    {
        arch::IrqGuard guard;
        stop_ = true;
        changed_.wake_all();
    }
    (void)wait_until(
        changed_, [this] { return !running_; }, Sleep::uninterruptible);
}

Result<> LoopDevice::unbind()
{
    if (!file_)
        return Error::nxio;
    if (openers > 1 || claimed()) {
        info_.lo_flags |= LO_FLAGS_AUTOCLEAR;
        return {};
    }
    (void)pages().write_and_wait();
    for (unsigned n = 1; n <= partitions_max; ++n)
        (void)delete_partition(*this, n);
    stop();
    pages().invalidate(0, ~0u);
    set_sectors(0);
    file_ = nullptr;
    info_ = {};
    read_only_ = false;
    limits_.logical_bytes = limits_.physical_bytes = sector_bytes;
    return {};
}

void LoopDevice::unused()
{
    if (file_ && (info_.lo_flags & LO_FLAGS_AUTOCLEAR) != 0)
        (void)unbind();
}

void loop_init()
{
    for (unsigned n = 0; n < 8; ++n)
        if (!loop_device(n).ok())
            return;
}
}  // namespace kernel
