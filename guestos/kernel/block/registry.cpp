// SPDX-License-Identifier: MIT
// Which block devices there are: numbers, names, claims; the thread that reads partition tables.
#include <arch/clock.hpp>
#include <kernel/block/block_file.hpp>
#include <kernel/block/loop.hpp>
#include <kernel/block/partition.hpp>
#include <kernel/block/ram_disk.hpp>
#include <kernel/fs/device.hpp>
#include <kernel/lazy.hpp>
#include <kernel/process/process.hpp>
#include <kernel/procfs/text.hpp>

namespace kernel {
namespace {
using Devices = boost::intrusive::list<
    BlockDevice, boost::intrusive::member_hook<BlockDevice, boost::intrusive::list_member_hook<>, &BlockDevice::registry_hook>>;
constinit Lazy<Devices> devices;  // each with a reference
constinit Lazy<WaitQueue> scan_changed;
constinit BlockDevice *to_scan[32] = {};  // each with a reference
constinit unsigned scans_waiting = 0, announced = 0;
constinit bool scanning = false;

void scan_thread(void *)
{
    for (;;) {
        (void)wait_until(
            *scan_changed, [] { return scans_waiting != 0; }, Sleep::uninterruptible);
        auto *disk = to_scan[0];
        for (unsigned i = 1; i < scans_waiting; ++i)
            to_scan[i - 1] = to_scan[i];
        --scans_waiting;
        scanning = true;
        (void)scan_partitions(*disk);
        disk->unref();
        scanning = false;
        scan_changed->wake_all();
    }
}
}  // namespace

struct BlockRegistry {
    static Result<> prepare(BlockDevice &d)
    {
        d.pages_ = TRY(make_ref<BlockPages>(d));
        return {};
    }
};

void block_init()
{
    if (!start_kernel_thread("partitions", scan_thread, nullptr).ok())
        panic("no memory for the thread that reads partition tables");
    loop_init();
    ram_disk_init();
}

Result<> add_block_device(Ref<BlockDevice> device, std::uint32_t major, std::uint32_t minor)
{
    device->major = major;
    device->minor = minor;
    TRY(BlockRegistry::prepare(*device));
    TRY(add_device_node(device->name(), true, major, minor, 0660, BlockFile::open));
    bool const scan = !device->as_partition() && !device->as_loop() && device->sectors() != 0;
    if (scan && scans_waiting < std::size(to_scan)) {
        device->ref();
        to_scan[scans_waiting++] = device.get();
        scan_changed->wake_all();
    }
    devices->push_back(*device.release());
    return {};
}

void remove_block_device(BlockDevice &device)
{
    if (!device.as_partition())
        remove_partitions(device);
    device.gone = true;
    remove_device_node(device.name());
    devices->erase(devices->iterator_to(device));
    device.unref();
}

Ref<BlockDevice> find_block_device(std::uint32_t major, std::uint32_t minor)
{
    for (auto &d : *devices)
        if (d.major == major && d.minor == minor)
            return Ref<BlockDevice>{&d};
    return nullptr;
}

Ref<BlockDevice> find_block_device(std::string_view name)
{
    for (auto &d : *devices)
        if (name == d.name())
            return Ref<BlockDevice>{&d};
    return nullptr;
}

void for_each_block_device(bool (*f)(void *, BlockDevice &), void *context)
{
    for (auto d = devices->begin(); d != devices->end();) {
        Ref<BlockDevice> keep{&*d++};
        if (!f(context, *keep))
            return;
    }
}

// A disk is taken if one of its partitions is, and the other way round; two partitions do not disturb each other.
Result<> BlockDevice::claim(void const *holder)
{
    if ((holder_ && holder_ != holder) || (whole().holder_ && whole().holder_ != holder))
        return Error::busy;
    for (auto &d : *devices)
        if (&d != this && &d.whole() == this && d.holder_)
            return Error::busy;
    holder_ = holder;
    return {};
}

void BlockDevice::release(void const *holder)
{
    if (holder_ == holder)
        holder_ = nullptr;
    if (openers == 0)
        unused();
}

bool in_use(BlockDevice &disk)
{
    for (auto &d : *devices)
        if (&d.whole() == &disk && (d.openers != 0 || d.claimed()))
            return true;
    return false;
}

void expect_block_devices(int change)
{
    // Who answers late, or was never announced (a disk that is plugged in), has nobody waiting for it.
    announced = change < 0 && announced < static_cast<unsigned>(-change) ? 0 : announced + static_cast<unsigned>(change);
    scan_changed->wake_all();
}

void wait_for_partitions()
{
    constexpr std::uint64_t patience_ns = 10'000'000'000;
    (void)wait_until(
        *scan_changed, [] { return scans_waiting == 0 && !scanning && announced == 0; }, Sleep::uninterruptible,
        arch::now_ns() + patience_ns);
}

void sync_block_devices()
{
    for_each_block_device(
        [](void *, BlockDevice &d) {
            if (d.gone || d.read_only())
                return true;
            (void)d.pages().write_and_wait();
            if (!d.as_partition())
                (void)d.flush();
            return true;
        },
        nullptr);
}

void describe_partitions(Text &out)
{
    out.print("major minor  #blocks  name\n\n");
    for (auto &d : *devices)
        if (d.sectors() != 0)
            out.print("%4u  %7u %10llu %s\n", d.major, d.minor, static_cast<unsigned long long>(d.sectors() / 2),
                      d.name());
}

void describe_block_majors(Text &out)
{
    constexpr struct {
        unsigned major;
        char const *name;
    } names[] = {{1, "ramdisk"}, {7, "loop"}, {202, "xvd"}, {254, "virtblk"}, {259, "blkext"}};
    for (auto const &n : names)
        for (auto &d : *devices)
            if (d.major == n.major) {
                out.print("%3u %s\n", n.major, n.name);
                break;
            }
}

void describe_disk_statistics(Text &out)
{
    using U64 = unsigned long long;
    auto ms = [](std::uint64_t ns) { return U64{ns / 1'000'000}; };
    for (auto &d : *devices) {
        auto const &s = d.statistics;
        out.print("%4u %7u %s", d.major, d.minor, d.name());
        for (unsigned i = 0; i < 2; ++i)
            out.print(" %llu %llu %llu %llu", U64{s.ios[i]}, U64{s.merges[i]}, U64{s.sectors[i]}, ms(s.ns[i]));
        out.print(" %u %llu %llu", s.in_flight, ms(s.busy_ns), ms(s.weighted_ns));
        out.print(" %llu %llu %llu %llu", U64{s.discards}, U64{s.discard_merges}, U64{s.discard_sectors},
                  ms(s.discard_ns));
        out.print(" %llu %llu\n", U64{s.flushes}, ms(s.flush_ns));
    }
}
}  // namespace kernel
