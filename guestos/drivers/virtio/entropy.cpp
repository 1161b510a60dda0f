// SPDX-License-Identifier: MIT
// The entropy device: fills buffers with random bytes, which are stirred into the kernel's generator. Virtio 1.1, 5.4.
// One request at boot and one after each hour; more would not make the generator's output better.
#include <arch/clock.hpp>
#include <arch/driver.hpp>
#include <drivers/virtio/virtio.hpp>
#include <kernel/log.hpp>
#include <kernel/process/process.hpp>
#include <kernel/process/wait.hpp>
#include <kernel/random.hpp>

namespace virtio {
namespace {
constexpr std::uint32_t request_bytes = 64;
constexpr std::uint64_t interval_ns = 3600ull * 1'000'000'000;

struct Entropy {
    Device *device;
    Queue *queue;
    dma::Memory buffer;
    kernel::WaitQueue done;
};

void on_done(void *context) { static_cast<Entropy *>(context)->done.wake_all(); }

void stir_forever(void *context)
{
    auto &e = *static_cast<Entropy *>(context);
    for (bool first = true;; first = false) {
        Piece piece{e.buffer.device_address(), request_bytes};
        if (!e.queue->add({}, {&piece, 1}, &e).ok())
            break;
        e.queue->notify();
        Queue::Done done{};
        auto arrived = [&] { return e.queue->take(done) || e.queue->broken(); };
        (void)kernel::wait_until(e.done, arrived, kernel::Sleep::uninterruptible);
        if (e.queue->broken())
            break;
        kernel::stir_random(e.buffer.address(), done.written);
        if (first)
            kernel::log("%s: %u bytes of entropy", e.device->name(), done.written);
        kernel::WaitQueue nobody;
        auto wake_at = arch::now_ns() + interval_ns;
        (void)kernel::wait_until(
            nobody, [] { return false; }, kernel::Sleep::uninterruptible, wake_at);
    }
    e.device->reset();
}

Result<> probe(Device &device)
{
    static constinit bool found = false;
    if (found)
        return Error::exist;  // one is enough
    auto e = new (std::nothrow) Entropy{&device, nullptr, {}, {}};
    if (!e)
        return Error::nomem;
    auto start = [&]() -> Result<> {
        TRY(e->buffer.allocate(request_bytes));
        TRY(device.negotiate(0));
        e->queue = TRY(device.add_queue(0, 8, on_done, e));
        device.start();
        TRY(kernel::start_kernel_thread("entropy", stir_forever, e));
        return {};
    };
    if (auto r = start(); !r.ok()) {
        device.reset();
        delete e;
        return r;
    }
    found = true;
    return {};
}

void start() { for_each(Type::entropy, probe); }
DRIVER(virtio_entropy, start);
}  // namespace
}  // namespace virtio
