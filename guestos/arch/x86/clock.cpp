// SPDX-License-Identifier: MIT
// Time: the time-stamp counter, calibrated against the 8254; one-shot deadlines by the local APIC's timer; the wall clock from
// the MC146818 real-time clock at boot. Intel 8254 data sheet: "Control Word Format", mode 0; SDM Vol. 3A, 10.5.4.
#include <arch/clock.hpp>
#include <arch/cpu.hpp>
#include <arch/irq.hpp>
#include <arch/upcalls.hpp>
#include <early.hpp>
#include <lib/x86/apic.hpp>
#include <lib/x86/priv.hpp>
#include <scale.hpp>
#include <vdso_data.hpp>

namespace arch {
namespace {
constexpr std::uint32_t pit_hz = 1'193'182;
constexpr std::uint16_t pit_channel2 = 0x42, pit_control = 0x43, speaker = 0x61;
constexpr std::uint64_t longest_ns = 1'000'000'000;
constexpr x86::LocalApicAt local_apic{x86::local_apic_default_base};

constinit TickScale scale{};
constinit std::uint32_t timer_hz = 0;
constinit std::uint64_t boot_ticks = 0;
constinit std::uint64_t wall_at_boot = 0;
constinit std::uint64_t deadline = no_deadline;
constinit std::uint64_t armed = no_deadline;  // when the hardware will interrupt

struct Ticks {
    std::uint64_t processor;
    std::uint32_t timer;
};

// What both count in 1/100 s: channel 2 counts down in mode 0 while its gate is open; its output shows in bit 5.
Ticks ticks_in_10ms()
{
    constexpr std::uint32_t count = pit_hz / 100;
    auto gate = static_cast<std::uint8_t>(x86::inb(speaker) & ~3);
    x86::outb(speaker, gate | 1);
    x86::outb(pit_control, 0xb0);  // channel 2, low then high byte, mode 0
    x86::outb(pit_channel2, count & 0xff);
    local_apic.write(x86::LocalApic::initial_count, ~0u);
    x86::outb(pit_channel2, count >> 8);
    auto start = x86::rdtsc();
    auto timer_start = local_apic.read(x86::LocalApic::current_count);
    while (!(x86::inb(speaker) & 0x20)) {}
    auto ticks = x86::rdtsc() - start;
    auto timer_ticks = timer_start - local_apic.read(x86::LocalApic::current_count);
    local_apic.write(x86::LocalApic::initial_count, 0);
    x86::outb(speaker, gate);
    return {ticks, timer_ticks};
}

std::uint8_t rtc_register(std::uint8_t index)
{
    x86::outb(0x70, index);
    return x86::inb(0x71);
}

std::uint64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
    // Counted from March, so that the leap day is the last of a year.
    if (month <= 2)
        --year, month += 12;
    return 365ull * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day - 1 - 719'468;
}

struct RtcReading {
    std::uint8_t second, minute, hour, day, month, year;
    bool operator==(RtcReading const &) const = default;
};

RtcReading read_rtc()
{
    while (rtc_register(0x0a) & 0x80) {}  // an update is in progress
    return {rtc_register(0), rtc_register(2), rtc_register(4), rtc_register(7), rtc_register(8), rtc_register(9)};
}

std::uint64_t rtc_ns()
{
    auto t = read_rtc();
    for (auto again = read_rtc(); again != t; again = read_rtc())
        t = again;
    auto status = rtc_register(0x0b);
    bool pm = !(status & 2) && (t.hour & 0x80);
    t.hour &= 0x7f;
    if (!(status & 4))
        for (auto field : {&t.second, &t.minute, &t.hour, &t.day, &t.month, &t.year})
            *field = static_cast<std::uint8_t>(*field / 16 * 10 + *field % 16);
    unsigned hour = (status & 2) ? t.hour : t.hour % 12 + (pm ? 12u : 0u);
    auto days = days_since_1970(2000u + t.year, t.month, t.day);
    return (((days * 24 + hour) * 60 + t.minute) * 60 + t.second) * 1'000'000'000ull;
}

// Hardware that interrupts too early costs one interrupt more; a deadline put off costs nothing.
void arm(std::uint64_t when)
{
    if (when == no_deadline || when >= armed)
        return;
    auto now = now_ns();
    auto wait = when <= now ? 0 : when - now < longest_ns ? when - now : longest_ns;
    armed = now + wait;
    local_apic.write(x86::LocalApic::initial_count, static_cast<std::uint32_t>(wait * timer_hz / 1'000'000'000) + 1);
}
}  // namespace

void clock_init()
{
    auto best = ticks_in_10ms();
    for (int i = 0; i < 4; ++i) {
        auto ticks = ticks_in_10ms();
        if (ticks.processor < best.processor)
            best = ticks;
    }
    scale = TickScale::of_hz(best.processor * 100);
    timer_hz = best.timer * 100;
    wall_at_boot = rtc_ns();
    boot_ticks = cycles();
}

std::uint64_t now_ns() { return scale.ns(cycles() - boot_ticks); }

std::uint64_t wall_clock_base() { return wall_at_boot; }

std::uint64_t stolen_ns() { return 0; }

void set_deadline(std::uint64_t ns)
{
    IrqGuard guard;
    deadline = ns;
    arm(ns);
}

void clock_interrupt(TrapFrame &frame)
{
    armed = no_deadline;
    if (deadline > now_ns()) {
        arm(deadline);
        return;
    }
    deadline = no_deadline;
    kernel::on_timer(frame);
}

// Ring 3 counts as we do.
std::uint64_t clock_publish(VdsoTime &t)
{
    t = {.version = 2,
         .unused = 0,
         .tsc = boot_ticks,
         .ns = 0,
         .mul = scale.mul,
         .shift = static_cast<std::int8_t>(scale.shift),
         .flags = 0,
         .unused_2 = {}};
    return 0;
}

std::uint32_t clock_khz() { return scale.khz(); }
}  // namespace arch
