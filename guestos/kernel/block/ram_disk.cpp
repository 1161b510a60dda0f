// SPDX-License-Identifier: MIT
// A disk in memory, /dev/ram0: for tests that need no machine with a disk. Its size is on the command line: ramdisk=4096 (KB);
// without, there is none.
#include <cstring>
#include <kernel/block/ram_disk.hpp>
#include <kernel/command_line.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>

namespace kernel {
Result<Ref<RamDisk>> RamDisk::make(std::string_view name, std::uint32_t pages)
{
    auto disk = TRY(make_ref<RamDisk>(name, pages));
    disk->frames_.reset(new (std::nothrow) Pfn[pages]);
    if (!disk->frames_)
        return Error::nomem;
    for (; disk->allocated_ < pages; ++disk->allocated_)
        disk->frames_[disk->allocated_] = TRY(allocate_zeroed_frame());
    TRY(disk->make_pool(64));
    disk->limits_.discard = true;
    disk->limits_.depth = 1;
    disk->set_sectors(std::uint64_t{pages} << (page_shift - sector_shift));
    return disk;
}

RamDisk::~RamDisk()
{
    for (std::uint32_t i = 0; i < allocated_; ++i)
        unref_frame(frames_[i]);
}

template <class F>
void RamDisk::each_piece(std::uint64_t sector, std::uint32_t bytes, F f)
{
    auto at = sector << sector_shift;
    while (bytes != 0) {
        auto const offset = static_cast<std::uint32_t>(at) & ~page_mask;
        auto const n = bytes < page_size - offset ? bytes : page_size - offset;
        f(static_cast<char *>(frame_address(frames_[static_cast<std::uint32_t>(at >> page_shift)])) + offset, n);
        bytes -= n;
        at += n;
    }
}

bool RamDisk::issue(BlockRequest &r)
{
    auto sector = r.sector;
    if (r.op == BlockOp::discard)
        each_piece(sector, r.sectors << sector_shift, [](char *p, std::uint32_t n) { std::memset(p, 0, n); });
    if (r.op == BlockOp::read || r.op == BlockOp::write)
        r.for_each_segment([&](BlockSegment const &s) {
            auto *memory = static_cast<char *>(frame_address(s.frame)) + s.offset;
            each_piece(sector, s.bytes, [&](char *p, std::uint32_t n) {
                r.op == BlockOp::read ? std::memcpy(memory, p, n) : std::memcpy(p, memory, n);
                memory += n;
            });
            sector += s.bytes >> sector_shift;
        });
    ended(r, Error::none);
    return true;
}

void ram_disk_init()
{
    auto const kilobytes = number_option("ramdisk=");
    if (kilobytes == 0)
        return;
    auto disk = RamDisk::make("ram0", (kilobytes + 3) / 4);
    auto added = disk.ok() ? add_block_device(disk.take(), 1, 0) : Result<>{disk.error()};
    if (!added.ok())
        log("<3>ramdisk=%u: no memory for a disk of so many KB: give the machine more, or ask for a smaller one",
            kilobytes);
}
}  // namespace kernel
