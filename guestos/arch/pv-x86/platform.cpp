// SPDX-License-Identifier: MIT
// The machine around the processor: the console, which for domain 0 is the hypervisor's serial line and for others a ring
// (include/pv/io/console.h), and how the domain ends.
#include <arch/irq.hpp>
#include <arch/mmu.hpp>
#include <arch/platform.hpp>
#include <arch/upcalls.hpp>
#include <early.hpp>
#include <input_ring.hpp>
#include <lines.hpp>
#include <pv/io/console.h>
#include <pvlib/events.hpp>
#include <pvlib/shared.hpp>

namespace arch {
namespace {
constinit InputRing input;
constinit bool held_back = false;                      // our ring is full: the rest stays with the other side
constinit xencons_interface volatile *ring = nullptr;  // nullptr: console_io

void notify_console() { (void)pv::notify(pv::start->console.domU.evtchn); }

void write_ring(char const *text, std::size_t n)
{
    for (std::size_t i = 0; i < n;) {
        auto produced = ring->out_prod;
        for (; i < n && produced - ring->out_cons < sizeof ring->out; ++i)
            ring->out[MASK_XENCONS_IDX(produced++, ring->out)] = text[i];
        asm volatile("" ::: "memory");  // the bytes before their count
        ring->out_prod = produced;
        notify_console();
        if (i < n)
            (void)pv::sched_op(SCHEDOP_yield);  // full: let the other side read
    }
}

// The event also says that the other side has read what we wrote: then nothing is here.
void read_ring()
{
    auto consumed = ring->in_cons;
    auto produced = ring->in_prod;
    asm volatile("" ::: "memory");                                      // the count before the bytes
    if (consumed == produced || produced - consumed > sizeof ring->in)  // nothing, or nonsense
        return;
    for (; consumed != produced && !input.full(); ++consumed)
        input.put(ring->in[MASK_XENCONS_IDX(consumed, ring->in)]);
    ring->in_cons = consumed;
    notify_console();
}

void read_hypervisor_console()
{
    char bytes[64];
    while (!input.full()) {
        auto wanted = input.room() < sizeof bytes ? input.room() : sizeof bytes;
        auto n = pv::console_io(CONSOLEIO_read, wanted, bytes);
        for (std::int32_t i = 0; i < n; ++i)
            input.put(bytes[i]);
        if (n < static_cast<std::int32_t>(wanted))
            return;
    }
}

void receive()
{
    if (ring)
        read_ring();
    else
        read_hypervisor_console();
    held_back = input.full();
}

[[noreturn]] void shut_down(std::uint32_t reason)
{
    for (;;) {
        sched_shutdown op{reason};
        (void)pv::sched_op(SCHEDOP_shutdown, &op);
    }
}
}  // namespace

void console_early_init()
{
    if (pv::is_initial_domain())
        return;
    auto frame = Mmu::to_pseudo(Mfn{pv::start->console.domU.mfn});
    ring = static_cast<xencons_interface *>(Mmu::frame_ptr(frame));
}

void console_bind()
{
    auto port = pv::is_initial_domain() ? pv::bind_virq(VIRQ_CONSOLE).value_or(0) : pv::start->console.domU.evtchn;
    console_line = Line{static_cast<std::uint16_t>(port)};
    if (port)
        irq_unmask(console_line);
}

void console_write(char const *text, std::size_t n)
{
    IrqGuard guard;
    if (ring)
        write_ring(text, n);
    else
        pv::console_io(CONSOLEIO_write, n, text);
}

std::size_t console_read(char *out, std::size_t n)
{
    IrqGuard guard;
    n = input.take(out, n);
    if (held_back)
        receive();
    return n;
}

void console_interrupt()
{
    receive();
    if (!input.empty())
        kernel::on_console_input();
}

// The hypervisor or the toolstack sees a reason, not a number.
void power_off(int status)
{
    IrqFlags::disable();
    shut_down(status == 0 ? SHUTDOWN_poweroff : SHUTDOWN_crash);
}

void reboot()
{
    IrqFlags::disable();
    shut_down(SHUTDOWN_reboot);
}

void halt_forever() { power_off(1); }
}  // namespace arch
