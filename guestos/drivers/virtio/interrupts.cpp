// SPDX-License-Identifier: MIT
// How a device interrupts: by messages, one for its configuration and one for each queue as far as they reach, or by its pin,
// where the status register tells which. Virtio 1.1, 4.1.4.5, 4.1.5.1.2.
#include <drivers/virtio/common_config.hpp>
#include <drivers/virtio/virtio.hpp>
#include <kernel/interrupts.hpp>

namespace virtio {
namespace {
enum IsrStatus : std::uint8_t { queue_used = 1, config_changed = 2 };
}

void Device::on_queue(void *queue)
{
    auto &q = *static_cast<Queue *>(queue);
    if (q.handler_)
        q.handler_(q.context_);
}

void Device::on_config(void *device)
{
    auto &d = *static_cast<Device *>(device);
    if (d.config_handler_)
        d.config_handler_(d.config_context_);
}

// Reading the status lets go of the pin.
void Device::on_pin(void *device)
{
    auto &d = *static_cast<Device *>(device);
    std::uint8_t status = *d.isr_;
    if (status & config_changed)
        on_config(device);
    if (status & queue_used)
        for (auto queue : d.queues_)
            if (queue)
                on_queue(queue);
}

Result<> Device::choose_interrupts()
{
    auto messages = function_->messages();
    messages_ = messages < max_lines ? messages : max_lines;
    if (messages_) {
        if (auto vector = use_message(0, on_config, this); vector.ok()) {
            common_->config_msix_vector = vector.value();
            return common_->config_msix_vector == vector.value() ? Result<>{} : Error::nospc;
        }
        release_interrupts();
    }
    lines_[0] = TRY(function_->bind_pin());
    TRY(kernel::attach_interrupt(lines_[0], on_pin, this, name_));
    bound_[0] = true;
    return {};
}

// Several may use one entry: each handler is called then.
Result<std::uint16_t> Device::use_message(unsigned entry, Handler handler, void *context)
{
    if (!bound_[entry]) {
        lines_[entry] = TRY(function_->bind_message(entry));
        bound_[entry] = true;
    }
    TRY(kernel::attach_interrupt(lines_[entry], handler, context, name_));
    return static_cast<std::uint16_t>(entry);
}

Result<> Device::attach_queue(unsigned index, Queue &queue)
{
    if (!messages_)
        return {};
    auto entry = index + 1 < messages_ ? index + 1 : messages_ - 1;
    auto vector = TRY(use_message(entry, on_queue, &queue));
    common_->queue_msix_vector = vector;
    return common_->queue_msix_vector == vector ? Result<>{} : Error::nospc;
}

void Device::release_interrupts()
{
    if (!messages_ && bound_[0])
        kernel::detach_interrupt(lines_[0], this);
    if (messages_)
        function_->disable_messages();
    for (unsigned i = 0; messages_ && i < max_lines; ++i)
        if (bound_[i]) {
            kernel::detach_interrupt(lines_[i]);
            arch::unbind_message(lines_[i]);
        }
    for (auto &b : bound_)
        b = false;
    messages_ = 0;
}

void Device::on_config_change(Handler handler, void *context)
{
    config_handler_ = handler;
    config_context_ = context;
}
}  // namespace virtio
