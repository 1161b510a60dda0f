// SPDX-License-Identifier: MIT
// Virtio disks as /dev/vda and up. Virtio 1.1, 5.2 "Block Device".
//
//   a request's chain:  header (type, sector) | data: frames of the caller | status
//                       device reads            either way                  device writes
//
// Headers and status bytes are in one page of ours, a slot for each request under way; data go between the device and the frames
// themselves, neighbours joined where they are neighbours for the device too.
#include <algorithm>
#include <arch/driver.hpp>
#include <drivers/virtio/virtio.hpp>
#include <kernel/block/queued_disk.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>
#include <lib/format.hpp>

namespace virtio {
namespace {
using kernel::BlockOp;
using kernel::BlockRequest;

// Feature bits, request types and status values: 5.2.3, 5.2.6.
constexpr std::uint64_t feature_size_max = 1u << 1, feature_seg_max = 1u << 2, feature_read_only = 1u << 5,
                        feature_block_size = 1u << 6, feature_flush = 1u << 9, feature_topology = 1u << 10,
                        feature_discard = 1u << 13;
enum RequestType : std::uint32_t { type_in = 0, type_out = 1, type_flush = 4, type_discard = 11 };
enum Status : std::uint8_t { status_ok = 0, status_io_error = 1, status_unsupported = 2, status_unanswered = 0xff };
enum Config : unsigned {
    config_capacity = 0,
    config_size_max = 8,
    config_seg_max = 12,
    config_block_size = 20,
    config_physical_exponent = 24,
    config_max_discard_sectors = 36,
    config_discard_alignment = 44,
};

struct Header {
    std::uint32_t type, reserved;
    std::uint64_t sector;
};
struct DiscardRange {
    std::uint64_t sector;
    std::uint32_t sectors, flags;
};
struct Slot {
    Header header;
    DiscardRange range;
    std::uint8_t volatile status;
    std::uint8_t pad[31];
};
static_assert(sizeof(Header) == 16 && sizeof(DiscardRange) == 16 && sizeof(Slot) == 64);

constexpr unsigned slots = page_size / sizeof(Slot);  // requests under way
constexpr unsigned segments_most = 128;
constexpr unsigned pieces_most = segments_most + 2;

class BlockDisk final : public kernel::QueuedDisk {
public:
    BlockDisk(Device &device, std::string_view name) : QueuedDisk{name}, device_{device} {}
    Result<> begin();

protected:
    bool issue(BlockRequest &) override;
    void issued() override { queue_->notify(); }

private:
    static void on_done(void *);
    static void on_config(void *);
    void read_limits(std::uint64_t features);
    unsigned data_pieces(BlockRequest const &);
    void answer(unsigned slot);
    void give_up();
    Slot &slot(unsigned i) { return static_cast<Slot *>(memory_.address())[i]; }
    Maddr address_of(void const *in_memory) const
    {
        auto offset = static_cast<char const *>(in_memory) - static_cast<char const *>(memory_.address());
        return Maddr{memory_.device_address().raw() + static_cast<std::uint64_t>(offset)};
    }

    Device &device_;
    Queue *queue_ = nullptr;
    dma::Memory memory_;
    BlockRequest *requests_[slots] = {};  // by slot; null: free
    std::uint32_t size_max_ = ~0u;
    Piece pieces_[pieces_most];  // of the chain that is being made; used with interrupts off only
};

void BlockDisk::read_limits(std::uint64_t features)
{
    auto &l = limits_;
    read_only_ = (features & feature_read_only) != 0;
    l.write_cache = (features & feature_flush) != 0;
    l.depth = slots;
    l.max_segments = segments_most;
    if ((features & feature_seg_max) != 0)
        l.max_segments = std::clamp(device_.config(config_seg_max, 4), 1u, segments_most);
    if ((features & feature_size_max) != 0)
        size_max_ = std::max(device_.config(config_size_max, 4), page_size);
    if (auto n = device_.config(config_block_size, 4);
        (features & feature_block_size) != 0 && n >= 512 && n <= page_size && (n & (n - 1)) == 0)
        l.logical_bytes = l.physical_bytes = n;
    if ((features & feature_topology) != 0)
        l.physical_bytes = l.logical_bytes << (device_.config(config_physical_exponent, 1) & 7);
    l.discard = (features & feature_discard) != 0;
    if (l.discard) {
        l.discard_sectors = std::max(device_.config(config_max_discard_sectors, 4), 1u);
        l.discard_granularity = std::max(device_.config(config_discard_alignment, 4), 1u) << kernel::sector_shift;
    }
    set_sectors(device_.config64(config_capacity));
}

Result<> BlockDisk::begin()
{
    TRY(memory_.allocate(page_size));
    auto features = TRY(device_.negotiate(feature_size_max | feature_seg_max | feature_read_only | feature_block_size
                                          | feature_flush | feature_topology | feature_discard));
    read_limits(features);
    queue_ = TRY(device_.add_queue(0, 256, on_done, this));
    if (queue_->size() < limits_.max_segments + 2)
        limits_.max_segments = queue_->size() - 2;
    if (limits_.max_segments < kernel::PooledIo::room)
        return Error::nodev;  // no device we know is that small
    device_.on_config_change(on_config, this);
    TRY(make_pool(128));
    device_.start();
    return {};
}

// The frames of a request, joined where the device sees them side by side.
unsigned BlockDisk::data_pieces(BlockRequest const &r)
{
    unsigned n = 0;
    r.for_each_segment([&](kernel::BlockSegment const &s) {
        auto const at = to_maddr(arch::Mmu::to_machine(s.frame), s.offset);
        auto &last = pieces_[n];  // pieces_[0] is the header's
        bool const follows = n != 0 && last.address.raw() + last.bytes == at.raw() && last.bytes + s.bytes <= size_max_;
        if (follows)
            last.bytes += s.bytes;
        else
            pieces_[++n] = {at, s.bytes};
    });
    return n;
}

bool BlockDisk::issue(BlockRequest &r)
{
    unsigned i = 0;
    while (i < slots && requests_[i])
        ++i;
    if (i == slots)
        return false;
    auto &s = slot(i);
    constexpr RequestType types[] = {type_in, type_out, type_flush, type_discard};  // by BlockOp
    s.header = {types[static_cast<unsigned>(r.op)], 0, r.op == BlockOp::read || r.op == BlockOp::write ? r.sector : 0};
    s.status = status_unanswered;
    pieces_[0] = {address_of(&s.header), sizeof s.header};
    unsigned n = 1 + data_pieces(r);
    if (r.op == BlockOp::discard) {
        s.range = {r.sector, r.sectors, 0};
        pieces_[n++] = {address_of(&s.range), sizeof s.range};
    }
    pieces_[n] = {address_of(const_cast<std::uint8_t const *>(&s.status)), 1};
    auto const readable = r.op == BlockOp::read ? 1 : n;
    auto added = queue_->add({pieces_, readable}, {pieces_ + readable, n + 1 - readable}, &requests_[i]);
    if (added.ok())
        requests_[i] = &r;
    else if (added.error() != Error::nospc)
        give_up();
    return added.ok();
}

void BlockDisk::answer(unsigned i)
{
    auto &r = *std::exchange(requests_[i], nullptr);
    auto const status = slot(i).status;
    ended(r, status == status_ok ? Error::none : status == status_unsupported ? Error::opnotsupp : Error::io);
}

// The device breaks the rules: nothing it says counts any more. Its queue has said so in the log.
void BlockDisk::give_up()
{
    device_.halt();
    gone = true;
    for (auto &r : requests_)
        if (r)
            ended(*std::exchange(r, nullptr), Error::io);
    fail_waiting(Error::io);
}

void BlockDisk::on_done(void *context)
{
    auto &disk = *static_cast<BlockDisk *>(context);
    Queue::Done done{};
    while (disk.queue_->take(done))
        disk.answer(static_cast<unsigned>(static_cast<BlockRequest **>(done.cookie) - disk.requests_));
    if (disk.queue_->broken() && !disk.gone)
        disk.give_up();
}

void BlockDisk::on_config(void *context)
{
    auto &disk = *static_cast<BlockDisk *>(context);
    disk.set_sectors(disk.device_.config64(config_capacity));
}

Result<> probe(Device &device)
{
    static constinit unsigned number = 0;
    constexpr std::uint32_t major = 254, disks_max = 26;
    if (number == disks_max)
        return Error::nospc;
    char name[] = "vda";
    name[2] = static_cast<char>(name[2] + number);
    auto disk = TRY(kernel::make_ref<BlockDisk>(device, std::string_view{name}));
    auto begun = disk->begin();
    if (begun.ok())
        begun = kernel::add_block_device(disk, major, 16 * number);
    if (!begun.ok()) {
        device.reset();
        return begun;
    }
    ++number;
    kernel::log("%s: /dev/%s, %llu KB%s", device.name(), name, static_cast<unsigned long long>(disk->sectors() / 2),
                disk->read_only() ? ", read-only" : "");
    return {};
}

void start() { for_each(Type::block, probe); }
DRIVER(virtio_block, start);
}  // namespace
}  // namespace virtio
