// SPDX-License-Identifier: MIT
// Virtio devices on PCI, modern only. Virtio 1.1: 3 "General Initialization", 4.1 "Virtio Over PCI Bus".
//
//   Result<> probe(virtio::Device &device)                  // called once for each device of the type
//   {
//       auto features = TRY(device.negotiate(feature_a | feature_b));
//       auto *requests = TRY(device.add_queue(0, 256, on_done, &mine));
//       device.start();                                      // from now on it works, and interrupts
//       requests->add(readable, writable, cookie);
//       requests->notify();
//   }
//   static void start() { virtio::for_each(virtio::Type::block, probe); }
//   DRIVER(virtio_block, start);
//
// Handlers run with interrupts off. A Device and its queues stay for ever once probe() has succeeded; after an error the
// device is reset, its memory is given back, and the log says which error.
#pragma once
#include <drivers/dma.hpp>
#include <drivers/pci/pci.hpp>
#include <drivers/virtio/split_queue.hpp>

namespace virtio {
enum class Type : std::uint16_t { network = 1, block = 2, console = 3, entropy = 4 };

// Feature bits that are the transport's affair: negotiate() adds those it can do.
inline constexpr std::uint64_t feature_event_index = 1ull << 29, feature_version_1 = 1ull << 32;

using Handler = void (*)(void *context);

// The methods below may be called with interrupts on or off, from threads and handlers. A device that breaks the rules makes its
// queue broken(): the log says so once, add() answers Error::io, take() has nothing any more.
class Queue {
public:
    Result<> add(std::span<Piece const> readable, std::span<Piece const> writable, void *cookie);
    void notify();  // tells the device of what was added, if it wants to know
    using Done = SplitQueue::Done;
    bool take(Done &);
    bool enable_interrupts();  // true: something was used meanwhile
    void disable_interrupts();
    bool broken() const { return ring_.broken(); }
    unsigned size() const { return ring_.size(); }
    unsigned free_descriptors() const { return ring_.free_descriptors(); }
    unsigned chains_out() const { return ring_.chains_out(); }

private:
    friend class Device;
    Result<> allocate(unsigned size, bool event_index);
    ~Queue();
    SplitQueue ring_;
    SplitQueue::Slot *slots_ = nullptr;
    dma::Memory descriptors_, rings_;  // rings: available, then used
    std::uint16_t volatile *doorbell_ = nullptr;
    std::uint16_t index_ = 0;
    char const *device_name_ = "";
    Handler handler_ = nullptr;
    void *context_ = nullptr;
};

struct CommonConfig;  // transport.cpp

class Device {
public:
    Type type() const { return type_; }
    pci::Function &function() { return *function_; }
    char const *name() const { return name_; }  // "virtio 00:04.0", for the log

    // Resets the device and settles on `wanted` as far as it offers them; gives what was settled. Error::nodev: a device of
    // before Virtio 1.0. Error::io: it refuses.
    Result<std::uint64_t> negotiate(std::uint64_t wanted);

    // Between negotiate() and start(). The size is the smaller of `wanted_size` (a power of two) and the device's; `handler`
    // hears of used chains. Error::nodev: the device has no such queue.
    Result<Queue *> add_queue(unsigned index, unsigned wanted_size, Handler, void *context);
    void on_config_change(Handler, void *context);  // before start()
    void start();

    // The device's own configuration: a field of 1, 2 or 4 bytes; 0 beyond what the device has.
    std::uint32_t config(unsigned offset, unsigned bytes) const;
    std::uint64_t config64(unsigned offset) const;
    void set_config(unsigned offset, unsigned bytes, std::uint32_t value);

    // It forgets all it was given, and no handler is called any more: every chain that was out may be reused.
    void reset();
    // From a handler: it is told to stop and can no longer reach memory; handlers may still be called.
    void halt();

private:
    friend void for_each(Type, Result<> (*probe)(Device &));
    Device(Type, pci::Function &);
    ~Device();
    Result<> find_registers();  // transport.cpp
    Result<> map_registers(unsigned capability);
    Result<> enable_queue(unsigned index, Queue &);
    Result<> choose_interrupts();  // interrupts.cpp
    Result<std::uint16_t> use_message(unsigned entry, Handler, void *context);
    Result<> attach_queue(unsigned index, Queue &);
    void release_interrupts();
    static void on_queue(void *queue);
    static void on_config(void *device);
    static void on_pin(void *device);

    static constexpr unsigned max_queues = 8, max_lines = max_queues + 1;
    Type type_;
    pci::Function *function_;
    char name_[24] = {};
    CommonConfig volatile *common_ = nullptr;
    std::uint8_t volatile *isr_ = nullptr, *config_ = nullptr;
    std::uint8_t volatile *doorbells_ = nullptr;
    std::uint32_t config_bytes_ = 0, doorbell_bytes_ = 0, doorbell_multiplier_ = 0;
    std::uint64_t features_ = 0;
    Queue *queues_[max_queues] = {};
    unsigned messages_ = 0;  // entries of the MSI-X table in use; 0: the pin
    bool bound_[max_lines] = {};
    arch::Line lines_[max_lines] = {};  // of the messages; [0] of the pin
    Handler config_handler_ = nullptr;
    void *config_context_ = nullptr;
};

// Calls probe() for every device of the type; says in the log what became of a device that cannot be used.
void for_each(Type, Result<> (*probe)(Device &));

// Splits a range of the linear map at page boundaries into pieces, into `out`; their number. Error::too_big: they do not fit.
Result<unsigned> pieces_of(void const *memory, std::uint32_t bytes, std::span<Piece> out);
}  // namespace virtio
