// SPDX-License-Identifier: MIT
// console_io and the input switch.
//
//   UART --interrupt--> console_work --+-- Ctrl-A three times: switch --+--> domain 0: input ring, VIRQ_CONSOLE
//                                                                       +--> hypervisor: debug keys
//
// When the ring is full the rest stays in the UART: the sender waits, nothing is lost.
#include <hv/console.hpp>
#include <hv/console_guest.hpp>
#include <hv/cpu.hpp>
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/log.hpp>
#include <hv/memory.hpp>
#include <hv/percpu.hpp>
#include <hv/power.hpp>
#include <hv/trap.hpp>
#include <hv/version.hpp>
#include <pv/xen.h>

namespace hv {
namespace {

constexpr unsigned input_bytes = 256;  // a power of two
constexpr char switch_key = 'A' - 0x40;
constexpr unsigned switch_count = 3;
constexpr std::uint32_t chunk_bytes = 512;

struct Input {
    char ring[input_bytes];
    unsigned read = 0, written = 0;
    bool pending = false;
    bool to_hypervisor = false;
    unsigned switch_seen = 0;

    unsigned used() const { return written - read; }
    // Room also for the switch keys that turn out not to be a switch.
    bool full() const { return used() + switch_count >= input_bytes; }
};
Input input;

void request_console_work() { input.pending = this_cpu().device_work = true; }

void give_to_domain0(char c) { input.ring[input.written++ % input_bytes] = c; }

void switch_input()
{
    input.to_hypervisor = !input.to_hypervisor;
    if (input.to_hypervisor)
        log("console input: hypervisor (h for help, Ctrl-A three times to go back)");
    else
        log("console input: domain 0");
}

void take(char c)
{
    if (c == switch_key) {
        if (++input.switch_seen == switch_count) {
            input.switch_seen = 0;
            switch_input();
        }
        return;
    }
    if (input.to_hypervisor) {
        input.switch_seen = 0;
        return debug_key(c);
    }
    for (; input.switch_seen; --input.switch_seen)
        give_to_domain0(switch_key);
    give_to_domain0(c);
}

// 512 bytes at a time go out in one piece; between pieces the call may be restarted.
std::int32_t console_write(std::uint32_t buffer, std::uint32_t count)
{
    char chunk[chunk_bytes];
    while (count) {
        if (preempt_requested())
            return continue_hypercall({CONSOLEIO_write, count, buffer});
        std::uint32_t n = count < chunk_bytes ? count : chunk_bytes;
        if (copy_from_guest(chunk, buffer, n))
            return -static_cast<std::int32_t>(Error::fault);
        serial_write(chunk, n);
        buffer += n;
        count -= n;
    }
    return 0;
}

std::int32_t console_read(std::uint32_t buffer, std::uint32_t count)
{
    char chunk[input_bytes];
    std::uint32_t n = 0;
    while (n < count && n < input.used()) {
        chunk[n] = input.ring[(input.read + n) % input_bytes];
        ++n;
    }
    if (copy_to_guest(buffer, chunk, n))
        return -static_cast<std::int32_t>(Error::fault);
    input.read += n;
    request_console_work();  // the UART may hold more
    return static_cast<std::int32_t>(n);
}

}  // namespace

void console_init(char const *command_line)
{
    power_init(command_line);
    guest_console_init(command_line);
    set_version_command_line(command_line);
    if (!serial_init())
        return;
    log("Lodger, a hypervisor for Xen's x86_32 PAE guests");
}

void console_drain() { serial_drain(); }

void console_start_input()
{
    enable_irq(serial_irq);
    serial_receive_interrupts(true);
    request_console_work();
}

void serial_interrupt()
{
    serial_receive_interrupts(false);
    request_console_work();
}

void console_work()
{
    if (!input.pending)
        return;
    bool got = false;
    while (!input.full() && serial_has_input()) {
        take(serial_read());
        got = true;
    }
    input.pending = false;
    serial_receive_interrupts(!input.full());
    Domain *control = find_domain(0);
    if (got && control && input.used())
        send_virq(*control, 0, VIRQ_CONSOLE);
}

std::int32_t do_console_io(std::uint32_t cmd, std::uint32_t count, std::uint32_t buffer)
{
    bool privileged = current_domain().privileged;
    if (!privileged && cmd != CONSOLEIO_write)
        return -static_cast<std::int32_t>(Error::perm);
    if (!guest_range_ok(buffer, count, 1))
        return -static_cast<std::int32_t>(Error::fault);
    if (!privileged)
        return guest_console_write(buffer, count);
    switch (cmd) {
    case CONSOLEIO_write: return console_write(buffer, count);
    case CONSOLEIO_read: return console_read(buffer, count);
    default: return -static_cast<std::int32_t>(Error::nosys);
    }
}

}  // namespace hv
