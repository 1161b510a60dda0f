// SPDX-License-Identifier: MIT
// Xen's virtual block devices, seen from the guest: /dev/xvda and up. The protocol: include/pv/io/blkif.h and Xen's public
// io/blkif.h, which names the nodes in the store.
//
//   the toolstack: device/vbd/51712/{backend, backend-id, virtual-device}
//   offer():       ring-ref (or ring-page-order, ring-ref0..), event-channel, protocol, feature-persistent     -> Initialised
//   connect():     the back end's sectors, sector-size, info, feature-*                                         -> Connected
//
// When the back end goes, programs wait; when it comes back, what was under way is asked for again. When it breaks the rules, they get
// errors. When the toolstack takes the disk away (Closing, "online" is 0), it goes, unless somebody has it open or mounted.
#include <arch/driver.hpp>
#include <bit>
#include <drivers/blkfront/front_disk.hpp>
#include <kernel/log.hpp>
#include <kernel/process/process.hpp>
#include <lib/format.hpp>
#include <pv/io/protocols.h>
#include <pvlib/device/xenbus.hpp>
#include <pvlib/shared.hpp>

namespace blkfront {
namespace {
using kernel::Ref;

constexpr std::uint32_t xvd_major = 202;

// A device's number, as Xen's vbd-interface(7) gives it: which disk, which partition of it (0: all).
struct VirtualDevice {
    unsigned disk, partition;
};
Result<VirtualDevice> decode(unsigned number)
{
    constexpr unsigned extended = 1u << 28;
    if ((number & extended) != 0)
        return VirtualDevice{(number & ~extended) >> 8, number & 0xff};
    if (number >> 8 == xvd_major)
        return VirtualDevice{number >> 4 & 15, number & 15};
    return Error::opnotsupp;
}

// "xvda" .. "xvdz", "xvdaa" ...; with a partition "xvda1".
void name_of(VirtualDevice const &v, char *out, std::size_t size)
{
    char letters[8];
    unsigned at = sizeof letters;
    letters[--at] = 0;
    for (auto n = v.disk + 1; n != 0 && at != 0; n = (n - 1) / 26)
        letters[--at] = static_cast<char>('a' + (n - 1) % 26);
    format(out, size, v.partition ? "xvd%s%u" : "xvd%s", letters + at, v.partition);
}

class BlockFront final : public xenbus::FrontEnd {
protected:
    Result<xenbus::State> offer() override;
    Result<> connect() override;
    void disconnect() override;
    void other_end_changed(xenbus::State) override;
    void removed() override;

private:
    static void broken(void *self) { static_cast<BlockFront *>(self)->fail_soon("answers make no sense"); }
    Result<> name_it();
    Result<> write_nodes();
    Features read_features() const;
    Result<std::uint64_t> wide_number(std::string_view name) const;
    Ref<FrontDisk> disk_;
    VirtualDevice number_{};
    bool added_ = false;
};

Result<> BlockFront::name_it()
{
    number_ = TRY(decode(id()));
    char name[28];
    name_of(number_, name, sizeof name);
    disk_ = TRY(kernel::make_ref<FrontDisk>(std::string_view{name}));
    disk_->on_broken = broken;
    disk_->on_broken_context = this;
    return {};
}

Result<> BlockFront::write_nodes()
{
    return xenbus::transact([this](xenbus::Tx tx) -> Result<> {
        TRY(xenbus::write_ring(*this, disk_->ring_pages(), tx));
        TRY(write("event-channel", std::uint32_t{disk_->port()}, tx));
        TRY(write("protocol", XEN_IO_PROTO_ABI_X86_32, tx));
        return write("feature-persistent", std::uint32_t{1}, tx);
    });
}

Result<xenbus::State> BlockFront::offer()
{
    if (!disk_)
        TRY(name_it());
    // As many ring pages as the back end takes: enough for all parts that can be under way.
    constexpr unsigned order_most = 3;
    auto const order = std::min(other_feature("max-ring-page-order"), order_most);
    auto opened = disk_->open(other_domain(), 1u << order);
    if (opened.ok())
        opened = write_nodes();
    if (opened.ok())
        return xenbus::State::initialised;
    disk_->close();
    return opened.error();
}

Result<std::uint64_t> BlockFront::wide_number(std::string_view name) const
{
    auto text = TRY(read_other(name));
    std::uint64_t n = 0;
    for (char c : text.view()) {
        if (c < '0' || c > '9' || n > ~0ull / 16)
            return Error::inval;
        n = n * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return n;
}

Features BlockFront::read_features() const
{
    Features f;
    f.sectors = wide_number("sectors").value_or(0);
    auto block = [this](std::string_view name, std::uint32_t otherwise) {
        auto n = other_feature(name, otherwise);
        return n >= kernel::sector_bytes && n <= page_size && std::has_single_bit(n) ? n : otherwise;
    };
    f.sector_bytes = block("sector-size", kernel::sector_bytes);
    f.physical_bytes = std::max(block("physical-sector-size", f.sector_bytes), f.sector_bytes);
    auto const mode = read_other("mode");
    f.read_only = (other_feature("info") & VDISK_READONLY) != 0 || (mode.ok() && mode.value().view() == "r");
    f.flush = other_feature("feature-flush-cache") != 0;
    f.barrier = other_feature("feature-barrier") != 0;
    f.discard = other_feature("feature-discard") != 0;
    f.discard_granularity = other_feature("discard-granularity");
    f.indirect_segments = other_feature("feature-max-indirect-segments");
    return f;
}

Result<> BlockFront::connect()
{
    auto const f = read_features();
    if (f.sectors == 0)
        return Error::inval;
    disk_->use(f);
    if (!std::exchange(added_, true)) {
        // Sixteen minors for each disk; a disk that is a partition there has its number here.
        TRY(kernel::add_block_device(disk_, xvd_major, 16 * number_.disk + number_.partition));
        kernel::expect_block_devices(-1);
    }
    kernel::log("%s: /dev/%s, %llu KB%s%s", folder().data(), disk_->name(),
                static_cast<unsigned long long>(f.sectors / 2), f.read_only ? ", read-only" : "",
                f.indirect_segments ? ", indirect segments" : "");
    return {};
}

void BlockFront::disconnect() { disk_->close(disk_->broken() ? Error::io : Error::none); }

void BlockFront::other_end_changed(xenbus::State other)
{
    if (other == xenbus::State::closing && added_ && other_feature("online", 1) == 0) {
        if (kernel::in_use(*disk_))
            return kernel::log("%s: /dev/%s is in use: it stays", folder().data(), disk_->name());
        kernel::log("%s: /dev/%s is taken away", folder().data(), disk_->name());
        added_ = false;
        kernel::remove_block_device(*disk_);
        return switch_to(xenbus::State::closing);  // the back end lets go of our pages, and says Closing once more
    }
    FrontEnd::other_end_changed(other);
}

void BlockFront::removed()
{
    FrontEnd::removed();
    if (!disk_)
        return;
    disk_->close(Error::nxio);
    if (added_)
        kernel::remove_block_device(*disk_);
    added_ = false;
}

XENBUS_DRIVER(blkfront, {"vbd", xenbus::Side::front, xenbus::make_device<BlockFront>});

// Which disks there will be: who wants to mount one waits for them.
void count_disks(void *)
{
    constexpr std::uint64_t patience_ns = 5'000'000'000;
    if (!xenbus::wait_for_store(arch::now_ns() + patience_ns).ok())
        return kernel::expect_block_devices(-1);
    auto listed = xenbus::list({"device/vbd"});
    unsigned count = 0;
    for (std::uint32_t at = 0; listed.ok() && !listed.value().next(at).empty();)
        ++count;
    kernel::expect_block_devices(static_cast<int>(count) - 1);
}

void start()
{
    if (pv::is_initial_domain() || pv::start->store_evtchn == 0)
        return;  // domain 0 has disks of its own
    kernel::expect_block_devices(1);
    if (!kernel::start_kernel_thread("blkfront-count", count_disks, nullptr).ok())
        kernel::expect_block_devices(-1);
}
DRIVER(blkfront, start);
}  // namespace
}  // namespace blkfront
