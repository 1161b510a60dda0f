// SPDX-License-Identifier: MIT
// A block device: a disk, a part of one, a loop device. What drivers implement, what file systems and /dev/NAME use.
//
//   vda (Disk: RequestQueue -> driver)  <-- Partition vda1, vda2: the same, with an offset
//   loop0 (a thread that reads and writes a file)
//   ram0 (memory; for tests)
//
// add_block_device() gives it a number, a node in /dev, a line in /proc/partitions, and looks for partitions.
#pragma once
#include <boost/intrusive/slist.hpp>
#include <kernel/block/block_io.hpp>
#include <kernel/ref.hpp>
#include <memory>
#include <string_view>

namespace kernel {
class BlockPages;  // block_pages.hpp: what buffered reads and writes of /dev/NAME go through
class Partition;

struct BlockLimits {
    std::uint32_t logical_bytes = 512;   // the smallest transfer, a power of two, at most page_size
    std::uint32_t physical_bytes = 512;  // what it writes at once without reading first
    std::uint32_t max_segments = 32;     // of a merged request; at least PooledIo::room
    std::uint32_t max_sectors = 1024;    // of a merged request
    std::uint32_t depth = 32;            // requests under way
    bool write_cache = false;            // flush does something; without, what is done is durable
    bool fua = false;
    bool discard = false;
    std::uint32_t discard_sectors = 0;  // most in one
    std::uint32_t discard_granularity = 0;
    bool rotational = false;
};

struct BlockStatistics {  // /proc/diskstats, Linux's Documentation/admin-guide/iostats
    std::uint64_t ios[2], merges[2], sectors[2], ns[2];
    std::uint64_t flushes, flush_ns, discards, discard_merges, discard_sectors, discard_ns;
    std::uint32_t in_flight;
    std::uint64_t busy_ns, weighted_ns, since_ns;
};

class BlockDevice : public RefCounted {
public:
    explicit BlockDevice(std::string_view name);
    ~BlockDevice() override;

    // Checks the transfer against the device, then starts it. The answer comes through io.done, errors too: Error::io for
    // what lies outside, Error::rofs for a write to a read-only device, Error::opnotsupp for discard where there is none.
    void submit(BlockIo &);
    // Holds transfers back, so that neighbours meet; unplug() lets them go. Between the two nothing may block.
    virtual void plug() {}
    virtual void unplug() {}
    // One transfer, waited for. Segments must be whole logical blocks.
    Result<> transfer(BlockOp, std::uint64_t sector, Pfn frame, std::uint32_t offset, std::uint32_t bytes);
    Result<> flush();
    Result<> discard(std::uint64_t sector, std::uint64_t sectors);

    char const *name() const { return name_; }
    std::uint64_t sectors() const { return sectors_; }
    BlockLimits const &limits() const { return limits_; }
    virtual bool read_only() const { return read_only_ || forced_read_only; }
    virtual Partition *as_partition() { return nullptr; }
    virtual class LoopDevice *as_loop() { return nullptr; }
    virtual BlockDevice &whole() { return *this; }
    // The device is gone or has another size: everything that looked at it is told.
    void set_sectors(std::uint64_t n) { sectors_ = n; }
    bool gone = false;  // no transfer is accepted any more: Error::nxio

    // From the pool; take_io() waits for one to come back, try_take_io() does not.
    PooledIo &take_io();
    PooledIo *try_take_io();
    void give_back(PooledIo &);  // callable from interrupt handlers
    bool has_pool() const { return pool_ != nullptr; }

    BlockPages &pages() const { return *pages_; }
    // Claims: mounted, or opened with O_EXCL; `holder` says by whom. A disk and its partitions exclude each other.
    Result<> claim(void const *holder);  // Error::busy
    void release(void const *holder);
    bool claimed() const { return holder_ != nullptr; }
    virtual void unused() {}  // nobody has it open or mounted any more
    unsigned openers = 0, writers = 0;

    std::uint32_t major = 0, minor = 0;
    bool forced_read_only = false;  // BLKROSET
    std::uint32_t read_ahead_sectors = 256;
    BlockStatistics statistics{};
    boost::intrusive::list_member_hook<> registry_hook;

protected:
    virtual void start(BlockIo &) = 0;  // checked
    static void start_on(BlockDevice &d, BlockIo &io) { d.start(io); }
    static void finish(BlockIo &, Error);  // counts it and tells io.done; callable from interrupt handlers
    Result<> make_pool(unsigned count);
    BlockLimits limits_;
    bool read_only_ = false;

private:
    friend struct BlockRegistry;
    Error check(BlockIo const &) const;
    char name_[28];
    std::uint64_t sectors_ = 0;
    Ref<BlockPages> pages_;
    std::unique_ptr<PooledIo[]> pool_;
    boost::intrusive::slist<PooledIo, boost::intrusive::constant_time_size<false>> free_ios_;
    WaitQueue pool_wait_;
    void const *holder_ = nullptr;
};

// Between plug and unplug nothing may block.
class [[nodiscard]] BlockPlug {
public:
    explicit BlockPlug(BlockDevice &d) : device_{d} { device_.plug(); }
    ~BlockPlug() { device_.unplug(); }
    BlockPlug(BlockPlug const &) = delete;
    BlockPlug &operator=(BlockPlug const &) = delete;

private:
    BlockDevice &device_;
};

// registry.cpp. Numbers as Linux has them: 7 loop, 1 ram, 202 xvd, 254 vd; sixteen minors for each disk.
Result<> add_block_device(Ref<BlockDevice>, std::uint32_t major, std::uint32_t minor);
void remove_block_device(BlockDevice &);  // its node goes; open files of it get errors
bool in_use(BlockDevice &disk);           // it or a partition of it is open, or mounted
Ref<BlockDevice> find_block_device(std::uint32_t major, std::uint32_t minor);
Ref<BlockDevice> find_block_device(std::string_view name);  // "vda1"
// What mount(2)'s source names: a block special file, by path. Error::notblk: something else.
Result<Ref<BlockDevice>> block_device_at(std::string_view path);
// Reads the partition table again. Error::busy: a partition is in use.
Result<> scan_partitions(BlockDevice &);
void block_init();  // before drivers start
// Partition tables are read by a thread, because drivers start before anything can wait: waits until it has nothing to do.
void wait_for_partitions();
// A driver that will announce devices later (a back end has to answer first): wait_for_partitions() waits for it, for a while.
void expect_block_devices(int change);
void for_each_block_device(bool (*f)(void *, BlockDevice &), void *context);
void sync_block_devices();  // write-back of /dev/NAME's pages, and flush
class Text;
void describe_partitions(Text &);  // /proc/partitions
void describe_disk_statistics(Text &);
void describe_block_majors(Text &);  // of /proc/devices
}  // namespace kernel
