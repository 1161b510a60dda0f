// SPDX-License-Identifier: MIT
// The clock (time-stamp counter, scaled), and the one alarm that serves every deadline: one-shot and periodic timers of the
// vCPUs, time-outs of polls, the end of a time slice.
#include <hv/apic.hpp>
#include <hv/calibrate.hpp>
#include <hv/cpu.hpp>
#include <hv/event.hpp>
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/log.hpp>
#include <hv/percpu.hpp>
#include <hv/run_queue.hpp>
#include <hv/schedule.hpp>
#include <hv/time.hpp>
#include <hv/trap.hpp>
#include <hv/vcpu_queue.hpp>
#include <lib/x86/priv.hpp>

namespace hv {
namespace {

constexpr std::uint64_t never = ~0ull;
constexpr std::uint64_t ns_per_second = 1'000'000'000;
constexpr std::uint64_t longest_alarm_ns = ns_per_second;  // also how old a vcpu_time_info may grow

struct Clock {
    ClockRates rates;
    std::uint32_t mul = 0;
    std::int8_t shift = 0;
    std::uint64_t tsc_start = 0;
    std::uint64_t wall_seconds_start = 0;
    std::uint64_t alarm_ns = 0;  // when the device will say so; in the past: it is not set
};
Clock clock;
VcpuQueue<&Vcpu::deadline_ns, &Vcpu::timer_place> timers;

// (a * b) >> 32 without losing the upper bits.
std::uint64_t multiply_high(std::uint64_t a, std::uint32_t b) { return (a >> 32) * b + ((a & 0xffff'ffff) * b >> 32); }

// ns = (tsc shifted by `shift`) * mul / 2^32, with mul as large as fits: vcpu_time_info, pv/xen.h.
void set_scale(std::uint32_t khz)
{
    std::uint64_t numerator = 1'000'000;  // ns per ms
    std::uint64_t divisor = khz;
    clock.shift = 0;
    while (divisor > numerator * 2)
        numerator <<= 1, --clock.shift;
    while (divisor <= numerator)
        divisor <<= 1, ++clock.shift;
    clock.mul = static_cast<std::uint32_t>((numerator << 32) / divisor);
}

std::uint64_t tsc_to_ns(std::uint64_t tsc)
{
    tsc = clock.shift < 0 ? tsc >> -clock.shift : tsc << clock.shift;
    return multiply_high(tsc, clock.mul);
}

void start_alarm(std::uint64_t in_ns)
{
    if (apic_present()) {
        std::uint64_t ticks = in_ns * clock.rates.apic_khz / 1'000'000 + 1;
        return apic_timer_start(static_cast<std::uint32_t>(ticks));
    }
    std::uint64_t ticks = in_ns * pit_hz / ns_per_second + 1;
    pit_start(static_cast<std::uint16_t>(ticks > 0xffff ? 0xffff : ticks));
}

std::uint64_t earliest(std::uint64_t a, std::uint64_t b) { return b && b < a ? b : a; }

// A timer that was set once fires once; a periodic one that fell behind skips what it missed.
void fire_due(Vcpu &v, std::uint64_t now)
{
    bool tick = false;
    if (v.oneshot_ns && v.oneshot_ns <= now)
        v.oneshot_ns = 0, tick = true;
    if (v.period_ns && v.next_period_ns <= now) {
        v.next_period_ns += v.period_ns;
        if (v.next_period_ns <= now)
            v.next_period_ns = now + v.period_ns;
        tick = true;
    }
    if (tick)
        send_virq(*v.domain, v.id, VIRQ_TIMER);
    if (v.in_polling && v.poll_deadline_ns && v.poll_deadline_ns <= now)
        end_poll(v);
    deadline_changed(v);
}

}  // namespace

std::uint64_t now_ns() { return tsc_to_ns(x86::rdtsc() - clock.tsc_start); }

std::uint32_t tsc_khz() { return clock.rates.tsc_khz; }

std::uint64_t wallclock_seconds() { return clock.wall_seconds_start + now_ns() / ns_per_second; }

bool work_pending() { return this_cpu().timer_due || now_ns() >= clock.alarm_ns; }

void deadline_changed(Vcpu &v)
{
    std::uint64_t next = never;
    if (!v.domain->is_shutdown && !v.domain->dying) {
        next = earliest(next, v.oneshot_ns);
        next = earliest(next, v.period_ns ? v.next_period_ns : 0);
        next = earliest(next, v.in_polling ? v.poll_deadline_ns : 0);
    }
    if (timers.contains(v))
        timers.remove(v);
    if (next != never) {
        v.deadline_ns = next;
        timers.insert(v);
    }
    rearm_timer();
}

void rearm_timer()
{
    std::uint64_t next = scheduler_deadline();
    if (Vcpu const *v = timers.first())
        next = earliest(next, v->deadline_ns);
    std::uint64_t now = now_ns();
    std::uint64_t wait = next <= now ? 0 : next - now;
    if (wait == 0)
        this_cpu().timer_due = true;  // fires on the way out of this entry, not an interrupt later
    // Setting the device costs more than an interrupt that finds nothing to do: an alarm that comes no later than it should stays, and
    // is set anew when it has come.
    if (wait != 0 && clock.alarm_ns > now && clock.alarm_ns <= next)
        return;
    if (wait > longest_alarm_ns)
        wait = longest_alarm_ns;
    clock.alarm_ns = now + wait;
    start_alarm(wait);
}

void run_timers()
{
    this_cpu().timer_due = false;
    clock.alarm_ns = 0;  // it may have come a little early by this clock, or been shorter than asked for
    std::uint64_t now = now_ns();
    while (Vcpu *v = timers.first()) {
        if (v->deadline_ns > now)
            break;
        fire_due(*v, now);
    }
    scheduler_timer(now);
    if (this_cpu().current && this_cpu().current->info)
        update_vcpu_time(current());
    rearm_timer();
}

void update_vcpu_time(Vcpu &v)
{
    vcpu_time_info volatile &t = v.info->time;
    // The guest can write the page: the version is ours.
    t.version = ++v.time_version | 1;
    asm volatile("" ::: "memory");
    std::uint64_t tsc = x86::rdtsc();
    t.tsc_timestamp = tsc;
    t.system_time = tsc_to_ns(tsc - clock.tsc_start);
    t.tsc_to_system_mul = clock.mul;
    t.tsc_shift = clock.shift;
    t.flags = XEN_PVCLOCK_TSC_STABLE_BIT;
    asm volatile("" ::: "memory");
    v.time_version = (v.time_version | 1) + 1;
    t.version = v.time_version;
    write_time_area(v);
}

// The guest chose the address: if it cannot be written now, it is not written. It is read on this processor only, so by nobody between
// the first byte and the last: one copy does, with the version that tells whoever was interrupted in the middle of reading.
void write_time_area(Vcpu &v)
{
    if (!v.time_area || &v != this_cpu().current)
        return;
    vcpu_time_info volatile const &from = v.info->time;
    vcpu_time_info t{};
    t.version = v.time_version;
    t.tsc_timestamp = from.tsc_timestamp;
    t.system_time = from.system_time;
    t.tsc_to_system_mul = clock.mul;
    t.tsc_shift = clock.shift;
    t.flags = XEN_PVCLOCK_TSC_STABLE_BIT;
    static_cast<void>(write_guest(v.time_area, t));
}

void update_wallclock(Domain &d)
{
    shared_info volatile &s = *d.shared;
    s.wc_version = ++d.wallclock_version | 1;
    asm volatile("" ::: "memory");
    std::uint64_t seconds = clock.wall_seconds_start + static_cast<std::uint64_t>(d.time_offset_seconds);
    s.wc_sec = static_cast<std::uint32_t>(seconds);
    s.arch.wc_sec_hi = static_cast<std::uint32_t>(seconds >> 32);
    s.wc_nsec = 0;
    asm volatile("" ::: "memory");
    d.wallclock_version = (d.wallclock_version | 1) + 1;
    s.wc_version = d.wallclock_version;
}

void time_init()
{
    clock.rates = calibrate_clocks();
    if (clock.rates.tsc_khz == 0)
        clock.rates.tsc_khz = 1;
    set_scale(clock.rates.tsc_khz);
    clock.wall_seconds_start = read_cmos_seconds();
    clock.tsc_start = x86::rdtsc();
    if (!apic_present())
        enable_irq(0);
    log("time: %u.%03u MHz time-stamp counter, %s timer", clock.rates.tsc_khz / 1000, clock.rates.tsc_khz % 1000,
        apic_present() ? "local APIC" : "8254");
}

std::int32_t do_set_timer_op(std::uint32_t timeout_low, std::uint32_t timeout_high)
{
    current().oneshot_ns = std::uint64_t{timeout_high} << 32 | timeout_low;  // 0 stops it
    deadline_changed(current());
    return 0;
}

}  // namespace hv
