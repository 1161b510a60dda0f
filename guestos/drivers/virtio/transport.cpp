// SPDX-License-Identifier: MIT
// Where a device's registers are, and how it is started. Virtio 1.1, 3.1 "Device Initialization", 4.1.4 "Virtio Structure PCI
// Capabilities":
//
//   vendor capability  +3 type  +4 BAR  +8 offset  +12 length  (+16 multiplier of the doorbells)
//                       |
//                       +-> common configuration, doorbells, interrupt status, device configuration, each somewhere in a BAR
//
// All of it is the device's word: it is checked against the BAR's size before anything is mapped.
#include <arch/clock.hpp>
#include <drivers/virtio/common_config.hpp>
#include <drivers/virtio/virtio.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/kernel_map.hpp>
#include <lib/format.hpp>
#include <new>

namespace virtio {
namespace {
enum Status : std::uint8_t { acknowledged = 1, driver = 2, driver_ok = 4, features_ok = 8, failed = 128 };
enum class Structure : std::uint8_t { common = 1, doorbells = 2, isr = 3, device = 4 };
constexpr std::uint16_t virtio_vendor = 0x1af4, first_transitional = 0x1000, first_modern = 0x1040, last_modern = 0x107f;

bool is_of_type(pci::Function const &f, Type type)
{
    if (f.vendor() != virtio_vendor)
        return false;
    auto device = f.device(), wanted = static_cast<std::uint16_t>(type);
    if (device >= first_transitional && device < first_modern)
        return f.read16(pci::subsystem_id) == wanted;
    return device == first_modern + wanted && device <= last_modern;
}
}  // namespace

Device::Device(Type type, pci::Function &f) : type_{type}, function_{&f}
{
    format(name_, sizeof name_, "virtio %02x:%02x.%u", f.bus, f.devfn >> 3, f.devfn & 7u);
}

Device::~Device()
{
    if (common_)
        reset();
    for (auto queue : queues_)
        delete queue;
    function_->disable();
}

Result<> Device::find_registers()
{
    for (auto at = function_->find_capability(pci::Capability::vendor); at;
         at = function_->find_capability(pci::Capability::vendor, at))
        TRY(map_registers(at));
    return common_ && isr_ && doorbells_ ? Result<>{} : Error::nodev;
}

// The first capability of each type counts; 4.1.4.
Result<> Device::map_registers(unsigned capability)
{
    auto kind = static_cast<Structure>(function_->read8(capability + 3));
    auto offset = function_->read32(capability + 8), length = function_->read32(capability + 12);
    auto number = function_->read8(capability + 4);
    bool wanted = (kind == Structure::common && !common_) || (kind == Structure::isr && !isr_)
        || (kind == Structure::doorbells && !doorbells_) || (kind == Structure::device && !config_);
    if (!wanted || number > 5)
        return {};
    constexpr std::uint32_t most = 1u << 20;  // more than any device needs would only waste addresses
    auto bar = function_->bar(number);
    auto least = kind == Structure::common ? sizeof(CommonConfig) : kind == Structure::doorbells ? 2 : 1;
    if (bar.is_port || bar.address == Maddr{} || length < least || bar.bytes < offset || bar.bytes - offset < length)
        return Error::nodev;
    length = length < most ? length : most;
    auto registers = TRY(kernel::map_device(bar.address + offset, length));
    switch (kind) {
    case Structure::common: common_ = static_cast<CommonConfig volatile *>(registers); break;
    case Structure::isr: isr_ = static_cast<std::uint8_t volatile *>(registers); break;
    case Structure::doorbells:
        doorbells_ = static_cast<std::uint8_t volatile *>(registers);
        doorbell_bytes_ = length;
        doorbell_multiplier_ = function_->read32(capability + 16);
        break;
    case Structure::device:
        config_ = static_cast<std::uint8_t volatile *>(registers);
        config_bytes_ = length;
        break;
    }
    return {};
}

// A device may take its time to stop; one that never does is not waited for.
void Device::reset()
{
    constexpr std::uint64_t patience_ns = 1'000'000'000;
    auto deadline = arch::now_ns() + patience_ns;
    common_->device_status = 0;
    while (common_->device_status != 0)
        if (arch::now_ns() > deadline) {
            kernel::log("<3>%s does not stop: it must not reach memory any more\n", name_);
            function_->disable();
            break;
        }
    release_interrupts();
}

void Device::halt()
{
    common_->device_status = 0;
    function_->disable();
}

Result<std::uint64_t> Device::negotiate(std::uint64_t wanted)
{
    function_->enable();
    reset();
    auto &c = *common_;
    c.device_status = acknowledged;
    c.device_status = acknowledged | driver;
    std::uint64_t offered = 0;
    for (std::uint32_t half = 0; half < 2; ++half) {
        c.device_feature_select = half;
        offered |= std::uint64_t{c.device_feature} << 32 * half;
    }
    if (!(offered & feature_version_1))
        return Error::nodev;
    features_ = offered & (wanted | feature_version_1 | feature_event_index);
    for (std::uint32_t half = 0; half < 2; ++half) {
        c.driver_feature_select = half;
        c.driver_feature = static_cast<std::uint32_t>(features_ >> 32 * half);
    }
    c.device_status = acknowledged | driver | features_ok;
    if (!(c.device_status & features_ok))
        return Error::io;
    TRY(choose_interrupts());
    return features_;
}

Result<Queue *> Device::add_queue(unsigned index, unsigned wanted_size, Handler handler, void *context)
{
    if (index >= max_queues || index >= common_->num_queues || queues_[index])
        return Error::nodev;
    common_->queue_select = static_cast<std::uint16_t>(index);
    unsigned size = common_->queue_size;
    if (size == 0)
        return Error::nodev;
    size = wanted_size < size ? wanted_size : size;
    while (size & (size - 1))
        size &= size - 1;  // a device of 1.0 offers a power of two; any other number is rounded down to one
    auto queue = new (std::nothrow) Queue;
    if (!queue)
        return Error::nomem;
    queues_[index] = queue;  // from here on ~Device() gives it back
    queue->index_ = static_cast<std::uint16_t>(index);
    queue->device_name_ = name_;
    queue->handler_ = handler;
    queue->context_ = context;
    TRY(queue->allocate(size, (features_ & feature_event_index) != 0));
    TRY(enable_queue(index, *queue));
    return queue;
}

Result<> Device::enable_queue(unsigned index, Queue &queue)
{
    auto &c = *common_;
    c.queue_select = static_cast<std::uint16_t>(index);
    auto doorbell = std::uint64_t{c.queue_notify_off} * doorbell_multiplier_;
    if (doorbell + 2 > doorbell_bytes_)
        return Error::nodev;
    queue.doorbell_ = reinterpret_cast<std::uint16_t volatile *>(doorbells_ + doorbell);
    auto store = [](std::uint32_t volatile(&field)[2], Maddr a) {
        field[0] = static_cast<std::uint32_t>(a.raw());
        field[1] = static_cast<std::uint32_t>(a.raw() >> 32);
    };
    c.queue_size = static_cast<std::uint16_t>(queue.size());
    store(c.queue_descriptors, queue.descriptors_.device_address());
    store(c.queue_available, queue.rings_.device_address());
    store(c.queue_used, queue.rings_.device_address(used_offset(queue.size())));
    TRY(attach_queue(index, queue));
    c.queue_select = static_cast<std::uint16_t>(index);
    c.queue_enable = 1;
    return {};
}

void Device::start() { common_->device_status = acknowledged | driver | features_ok | driver_ok; }

std::uint32_t Device::config(unsigned offset, unsigned bytes) const
{
    if (offset + bytes > config_bytes_)
        return 0;
    auto at = config_ + offset;
    switch (bytes) {
    case 1: return *at;
    case 2: return *reinterpret_cast<std::uint16_t volatile *>(at);
    default: return *reinterpret_cast<std::uint32_t volatile *>(at);
    }
}

// The two halves belong together only if the generation stays the same meanwhile; 2.5.1. A device that changes for ever is not
// worth waiting for.
std::uint64_t Device::config64(unsigned offset) const
{
    std::uint64_t value = 0;
    for (unsigned tries = 0; tries < 16; ++tries) {
        auto before = common_->config_generation;
        value = config(offset, 4) | std::uint64_t{config(offset + 4, 4)} << 32;
        if (common_->config_generation == before)
            break;
    }
    return value;
}

void Device::set_config(unsigned offset, unsigned bytes, std::uint32_t value)
{
    if (offset + bytes > config_bytes_)
        return;
    auto at = config_ + offset;
    switch (bytes) {
    case 1: *at = static_cast<std::uint8_t>(value); break;
    case 2: *reinterpret_cast<std::uint16_t volatile *>(at) = static_cast<std::uint16_t>(value); break;
    default: *reinterpret_cast<std::uint32_t volatile *>(at) = value; break;
    }
}

void for_each(Type type, Result<> (*probe)(Device &))
{
    pci::for_each([&](pci::Function &f) {
        if (!is_of_type(f, type))
            return;
        auto device = new (std::nothrow) Device{type, f};
        if (!device)
            return kernel::log("<3>virtio: no memory for a device\n");
        auto r = device->find_registers();
        if (r.ok())
            r = probe(*device);
        if (r.ok())
            return;
        kernel::log("<4>%s (type %u) cannot be used: error %d\n", device->name(), static_cast<unsigned>(type),
                    to_errno(r));
        delete device;
    });
}
}  // namespace virtio
