// SPDX-License-Identifier: MIT
// Time: the time-stamp counter, with the hypervisor's scale and offset; one-shot deadlines by its timer; its wall clock; and
// how long we were kept from running. include/pv/xen.h, struct vcpu_time_info; include/pv/vcpu.h, struct vcpu_runstate_info.
#include <arch/clock.hpp>
#include <arch/cpu.hpp>
#include <arch/irq.hpp>
#include <arch/upcalls.hpp>
#include <early.hpp>
#include <lib/panic.hpp>
#include <lines.hpp>
#include <pvlib/events.hpp>
#include <pvlib/shared.hpp>
#include <scale.hpp>
#include <vdso_data.hpp>

namespace arch {
namespace {
constinit std::uint64_t boot_ns = 0;  // system time at clock_init()
constinit vcpu_runstate_info volatile runstate{};
constinit std::uint64_t deadline = no_deadline;
constinit std::uint64_t armed = no_deadline;  // when the hypervisor will send VIRQ_TIMER

TickScale scale()
{
    auto &t = pv::vcpu().time;
    return {t.tsc_to_system_mul, t.tsc_shift};
}

std::uint64_t system_ns()
{
    auto &t = pv::vcpu().time;
    return read_versioned(t.version, [&] { return t.system_time + scale().ns(cycles() - t.tsc_timestamp); });
}

// Seconds and nanoseconds since 1970 at system time 0.
std::uint64_t wall_at_system_start()
{
    auto &s = pv::shared_page;
    return read_versioned(s.wc_version, [&] {
        auto seconds = s.wc_sec | std::uint64_t{s.arch.wc_sec_hi} << 32;
        return seconds * 1'000'000'000 + s.wc_nsec;
    });
}

// Hardware that interrupts too early costs one interrupt more; a deadline put off costs nothing.
void arm(std::uint64_t when)
{
    if (when == no_deadline || when >= armed)
        return;
    armed = when;
    (void)pv::set_timer_op(boot_ns + when);  // a time in the past fires at once
}

void register_runstate()
{
    vcpu_register_runstate_memory_area area{};
    area.addr.p = vaddr_of(const_cast<vcpu_runstate_info *>(&runstate)).raw();
    (void)pv::vcpu_op(VCPUOP_register_runstate_memory_area, 0, &area);  // without it nothing counts as stolen
}
}  // namespace

void clock_init()
{
    auto port = pv::bind_virq(VIRQ_TIMER);
    if (!port.ok())
        panic("the hypervisor refuses the timer: error %d", to_errno(port));
    clock_line = Line{static_cast<std::uint16_t>(port.value())};
    (void)pv::vcpu_op(VCPUOP_stop_periodic_timer, 0);
    register_runstate();
    boot_ns = system_ns();
    irq_unmask(clock_line);
}

std::uint64_t now_ns() { return system_ns() - boot_ns; }

std::uint64_t wall_clock_base() { return wall_at_system_start() + boot_ns; }

// The hypervisor writes the area only while we do not run, or between two of our instructions: read until two readings agree.
std::uint64_t stolen_ns()
{
    auto read = [] { return runstate.time[RUNSTATE_runnable] + runstate.time[RUNSTATE_offline]; };
    auto stolen = read();
    for (auto again = read(); again != stolen; again = read())
        stolen = again;
    return stolen;
}

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

// Ring 3 counts as the hypervisor says, which writes it there, too, from now on.
std::uint64_t clock_publish(VdsoTime &t)
{
    static_assert(sizeof t == sizeof(vcpu_time_info) && offsetof(VdsoTime, tsc) == offsetof(vcpu_time_info, tsc_timestamp)
                  && offsetof(VdsoTime, ns) == offsetof(vcpu_time_info, system_time)
                  && offsetof(VdsoTime, mul) == offsetof(vcpu_time_info, tsc_to_system_mul)
                  && offsetof(VdsoTime, shift) == offsetof(vcpu_time_info, tsc_shift));
    vcpu_register_time_memory_area area{};
    area.addr.p = vaddr_of(&t).raw();
    (void)pv::vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &area);  // without it the version stays 0
    return 0 - boot_ns;
}

std::uint32_t clock_khz() { return scale().khz(); }
}  // namespace arch
