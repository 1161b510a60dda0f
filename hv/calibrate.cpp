// SPDX-License-Identifier: MIT
// How fast the processor's counters run, measured against the 8254, and what the wall clock shows. 8254 data sheet;
// MC146818 (CMOS clock) registers.
#include <hv/apic.hpp>
#include <hv/calibrate.hpp>
#include <initializer_list>
#include <lib/x86/priv.hpp>

namespace hv {
namespace {

constexpr std::uint16_t pit_channel0 = 0x40, pit_channel2 = 0x42, pit_mode = 0x43, speaker = 0x61;
constexpr std::uint8_t channel2_oneshot = 0xb0, channel0_oneshot = 0x30;  // both bytes, mode 0
constexpr unsigned rounds = 3, round_ms = 20;
constexpr std::uint16_t cmos_index = 0x70, cmos_data = 0x71;

struct Sample {
    std::uint64_t tsc;
    std::uint32_t apic;
};

// Counts over round_ms; output 2 of the 8254 shows at port 0x61 that the time is over.
Sample measure()
{
    constexpr std::uint32_t ticks = pit_hz * round_ms / 1000;
    auto control = static_cast<std::uint8_t>((x86::inb(speaker) & ~2u) | 1u);  // gate on, loudspeaker off
    x86::outb(speaker, control);
    x86::outb(pit_mode, channel2_oneshot);
    x86::outb(pit_channel2, ticks & 0xff);
    if (apic_present())
        apic_timer_start(~0u);
    x86::outb(pit_channel2, ticks >> 8);
    std::uint64_t start = x86::rdtsc();
    while (!(x86::inb(speaker) & 0x20))
        x86::pause();
    std::uint64_t end = x86::rdtsc();
    std::uint32_t apic = apic_present() ? ~0u - apic_timer_left() : 0;
    if (apic_present())
        apic_timer_start(0);
    return {end - start, apic};
}

std::uint8_t cmos(std::uint8_t index)
{
    x86::outb(cmos_index, index);
    return x86::inb(cmos_data);
}

struct Date {
    unsigned second, minute, hour, day, month, year;
    bool operator==(Date const &) const = default;
};

Date read_date()
{
    while (cmos(0x0a) & 0x80)  // an update is under way
        x86::pause();
    return {cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9)};
}

unsigned from_bcd(unsigned v) { return (v >> 4) * 10 + (v & 15); }

// Days since 1970-01-01 of a date in the proleptic Gregorian calendar; years start in March so that February is last.
std::uint64_t days(unsigned year, unsigned month, unsigned day)
{
    year -= month <= 2;
    unsigned month_from_march = (month + 9) % 12;
    return 365ull * year + year / 4 - year / 100 + year / 400 + (153 * month_from_march + 2) / 5 + day - 1 - 719468;
}

}  // namespace

ClockRates calibrate_clocks()
{
    Sample best = measure();  // disturbances only ever make a round longer
    for (unsigned i = 1; i < rounds; ++i)
        if (Sample s = measure(); s.tsc < best.tsc)
            best = s;
    return {static_cast<std::uint32_t>(best.tsc / round_ms), best.apic / round_ms};
}

void pit_start(std::uint16_t ticks)
{
    x86::outb(pit_mode, channel0_oneshot);
    x86::outb(pit_channel0, static_cast<std::uint8_t>(ticks));
    x86::outb(pit_channel0, static_cast<std::uint8_t>(ticks >> 8));
}

std::uint64_t read_cmos_seconds()
{
    Date d = read_date();
    for (Date again = read_date(); !(again == d); again = read_date())
        d = again;
    std::uint8_t format = cmos(0x0b);
    bool afternoon = !(format & 2) && (d.hour & 0x80);
    d.hour &= 0x7f;
    if (!(format & 4))
        for (unsigned *field : {&d.second, &d.minute, &d.hour, &d.day, &d.month, &d.year})
            *field = from_bcd(*field);
    if (!(format & 2))
        d.hour = d.hour % 12 + (afternoon ? 12 : 0);
    return days(2000 + d.year, d.month, d.day) * 86400 + d.hour * 3600 + d.minute * 60 + d.second;
}

}  // namespace hv
