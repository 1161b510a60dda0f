// SPDX-License-Identifier: MIT
// Consoles: port 0 of each device is a terminal, /dev/hvc1 and up (hvc0 is the machine's own console). Virtio 1.1, 5.3, without
// the multiport feature.
//
//   host --> queue 0: buffers --> discipline --> programs       a buffer goes back to the device once the discipline took it all,
//   host <-- queue 1 <-- chunk <-- output ring <-- programs     so that a reader who does not read holds the host back
#include <arch/driver.hpp>
#include <drivers/virtio/virtio.hpp>
#include <kernel/fs/device.hpp>
#include <kernel/ipc/byte_ring.hpp>
#include <kernel/log.hpp>
#include <kernel/tty/tty.hpp>
#include <lib/format.hpp>

namespace virtio {
namespace {
constexpr unsigned hvc_major = 229, first_minor = 1, max_consoles = 8;
constexpr std::uint64_t feature_size = 1ull << 0;
constexpr unsigned columns_offset = 0, rows_offset = 2;

class Console final : public kernel::Tty {
public:
    Console(Device &device, unsigned minor) : Tty{hvc_major, minor}, device_{device} {}
    Result<> set_up();
    bool far_end_gone() const override { return dead_; }

    std::size_t room() const override { return dead_ ? output_bytes : output_.room(); }
    void send(char const *bytes, std::size_t n) override;
    void output_discarded() override { output_.clear(); }
    void pull_input() override;
    void input_flushed() override;

private:
    static constexpr unsigned inputs = 4, input_bytes = page_size / inputs, chunk_bytes = 8192, output_bytes = 8192;
    struct Input {
        unsigned number;
        std::size_t start, end;  // received, not yet taken by the discipline
    };
    void offer(Input &);
    void send_chunk();
    void on_received();
    void on_sent();
    void on_size();
    void give_up();
    static void received(void *c) { static_cast<Console *>(c)->on_received(); }
    static void sent(void *c) { static_cast<Console *>(c)->on_sent(); }
    static void size_changed(void *c) { static_cast<Console *>(c)->on_size(); }

    Device &device_;
    Queue *receive_ = nullptr, *transmit_ = nullptr;
    dma::Memory input_memory_, chunk_;
    Input inputs_[inputs] = {};
    kernel::ByteRing<inputs> arrived_;  // numbers of the buffers that hold something, oldest first
    kernel::ByteRing<output_bytes> output_;
    bool sending_ = false, dead_ = false;
};

constinit Console *consoles[max_consoles] = {};

Result<> Console::set_up()
{
    TRY(input_memory_.allocate(page_size));
    TRY(chunk_.allocate(chunk_bytes));
    device_.on_config_change(size_changed, this);
    auto features = TRY(device_.negotiate(feature_size));
    receive_ = TRY(device_.add_queue(0, inputs, received, this));
    transmit_ = TRY(device_.add_queue(1, inputs, sent, this));
    device_.start();
    if (features & feature_size)
        on_size();
    arch::IrqGuard guard;
    for (unsigned i = 0; i < inputs; ++i) {
        inputs_[i].number = i;
        offer(inputs_[i]);
    }
    receive_->notify();
    return {};
}

void Console::offer(Input &input)
{
    Piece piece{input_memory_.device_address(input.number * input_bytes), input_bytes};
    if (!receive_->add({}, {&piece, 1}, &input).ok())
        give_up();
}

void Console::on_received()
{
    Queue::Done done;
    while (receive_->take(done)) {
        auto &input = *static_cast<Input *>(done.cookie);
        input.start = 0;
        input.end = done.written;
        auto number = static_cast<char>(input.number);
        arrived_.put(&number, 1);
    }
    if (receive_->broken())
        give_up();
    pull_input();
}

// Interrupts are off.
void Console::pull_input()
{
    bool offered = false;
    while (arrived_.used() && !dead_) {
        std::size_t n;
        auto &input = inputs_[static_cast<unsigned>(*arrived_.front(n))];
        auto bytes = static_cast<char const *>(input_memory_.address(input.number * input_bytes));
        input.start += discipline.receive(bytes + input.start, input.end - input.start);
        if (input.start != input.end)
            break;
        arrived_.consume(1);
        offer(input);
        offered = true;
    }
    if (offered && !dead_)
        receive_->notify();
}

void Console::input_flushed()
{
    for (auto &input : inputs_)
        input.start = input.end;
    pull_input();
}

void Console::send(char const *bytes, std::size_t n)
{
    if (dead_)
        return;
    output_.put(bytes, n);
    if (!sending_)
        send_chunk();
}

// One chunk is out at a time: what programs write meanwhile becomes the next.
void Console::send_chunk()
{
    auto n = output_.get(static_cast<char *>(chunk_.address()), chunk_bytes);
    sending_ = n != 0;
    if (!sending_)
        return;
    Piece piece{chunk_.device_address(), static_cast<std::uint32_t>(n)};
    if (!transmit_->add({&piece, 1}, {}, this).ok())
        return give_up();
    transmit_->notify();
}

void Console::on_sent()
{
    Queue::Done done;
    while (transmit_->take(done)) {}
    if (transmit_->broken())
        give_up();
    if (dead_ || transmit_->chains_out() != 0)
        return;
    send_chunk();
    discipline.room_again();
    writers.wake_all();
}

void Console::on_size()
{
    kernel::WindowSize size = window;
    size.columns = static_cast<std::uint16_t>(device_.config(columns_offset, 2));
    size.rows = static_cast<std::uint16_t>(device_.config(rows_offset, 2));
    set_window(size);
}

// The terminal stays, as one whose line has dropped.
void Console::give_up()
{
    if (dead_)
        return;
    dead_ = true;
    kernel::log("<4>/dev/hvc%u is dead", minor_number);
    device_.halt();
    readers.wake_all();
    writers.wake_all();
}

Result<kernel::Ref<kernel::File>> open_console(kernel::Inode &, unsigned minor, unsigned flags)
{
    auto console = minor - first_minor < max_consoles ? consoles[minor - first_minor] : nullptr;
    if (!console)
        return Error::nxio;
    return kernel::open_tty(kernel::Ref<kernel::Tty>{console}, flags);
}

Result<> probe(Device &device)
{
    unsigned i = 0;
    while (i < max_consoles && consoles[i])
        ++i;
    if (i == max_consoles)
        return Error::nospc;
    auto console = new (std::nothrow) Console{device, first_minor + i};
    if (!console)
        return Error::nomem;
    if (auto r = console->set_up(); !r.ok()) {
        device.reset();
        delete console;
        return r;
    }
    console->ref();  // it stays for ever
    consoles[i] = console;
    char name[8];
    format(name, sizeof name, "hvc%u", console->minor_number);
    kernel::log("%s: console /dev/%s", device.name(), name);
    return kernel::add_device_node(name, false, hvc_major, console->minor_number, 0660, open_console);
}

void start() { for_each(Type::console, probe); }
DRIVER(virtio_console, start);
}  // namespace
}  // namespace virtio
