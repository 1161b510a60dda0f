// SPDX-License-Identifier: MIT
// The machine around the processor: the console, which for domain 0 is the hypervisor's serial line and for others a ring
// (include/pv/io/console.h), and how the domain ends.
#include <arch/clock.hpp>
#include <arch/irq.hpp>
#include <arch/mmu.hpp>
#include <arch/platform.hpp>
#include <arch/upcalls.hpp>
#include <early.hpp>
#include <input_ring.hpp>
#include <lines.hpp>
#include <pvlib/console_ring.hpp>
#include <pvlib/events.hpp>
#include <pvlib/shared.hpp>

namespace arch {
namespace {
constexpr std::size_t console_piece = 4096;         // a program's write goes out in pieces of that
constexpr std::size_t least_room = 64;              // less is no room: a wake-up for each byte is dear
constexpr std::uint64_t patience_ns = 500'000'000;  // with a console that nobody empties
constinit InputRing input;
constinit bool held_back = false;  // our ring is full: the rest stays with the other side
constinit pv::ConsoleRing ring;    // not attached: console_io
constinit bool ring_stuck = false;

void notify_console() { (void)pv::notify(pv::start->console.domU.evtchn); }

// The kernel's own messages cannot sleep: the processor is given away until there is room. If nobody empties the ring, what does
// not fit is lost, and from then on at once.
bool wait_for_room()
{
    auto deadline = now_ns() + patience_ns;
    while (!ring.room() && !ring_stuck) {
        (void)pv::sched_op(SCHEDOP_yield);
        ring_stuck = now_ns() > deadline;
    }
    return ring.room() != 0;
}

void write_ring(char const *text, std::size_t n)
{
    for (;;) {
        auto done = ring.put(text, n);
        if (done) {
            ring_stuck = false;
            notify_console();
        }
        text += done;
        n -= done;
        if (n == 0 || !wait_for_room())
            return;
    }
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
    ring.attach(*static_cast<xencons_interface *>(Mmu::frame_ptr(frame)));
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

std::size_t console_room()
{
    if (!ring)
        return console_piece;  // the hypervisor waits for its wire
    auto room = ring.room();
    return room >= least_room ? room : 0;
}

// Of the ring, what is not taken stays there and holds the sender back.
std::size_t console_read(char *out, std::size_t n)
{
    IrqGuard guard;
    if (!ring) {
        n = input.take(out, n);
        if (held_back)
            receive();
        return n;
    }
    auto got = ring.get(out, n);
    if (got)
        notify_console();
    return got;
}

void console_interrupt()
{
    if (!ring)
        receive();
    if (ring || !input.empty())
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
