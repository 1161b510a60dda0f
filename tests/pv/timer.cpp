// SPDX-License-Identifier: MIT
// Time as a guest sees it: the clock only goes forward, a one-shot timer fires once and not before its time, a periodic one
// again and again, one that was set in the past fires at once and once; blocking sleeps until then and counts as blocked.
#include "guest.hpp"

char const title[] = "clock and timers";

namespace {

unsigned port;
unsigned volatile ticks;

bool count_tick(TrapFrame &f)
{
    if (f.vector != 0x100)
        return false;
    shared.vcpu_info[0].evtchn_upcall_pending = 0;
    shared.vcpu_info[0].evtchn_pending_sel = 0;
    if (shared.evtchn_pending[port / 32] & 1u << port % 32) {
        shared.evtchn_pending[port / 32] &= ~(1u << port % 32);
        ticks = ticks + 1;
    }
    return true;
}

std::int32_t set_timer(std::uint64_t at)
{
    return hypercall(__HYPERVISOR_set_timer_op, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at >> 32));
}

std::int32_t block() { return hypercall(__HYPERVISOR_sched_op, SCHEDOP_block, 0); }

void spin_until(std::uint64_t when)
{
    while (now() < when) {}
}

void clock()
{
    std::uint64_t last = now();
    for (unsigned i = 0; i < 100000; ++i) {
        std::uint64_t t = now();
        if (t < last)
            return failure("the clock went from %llu back to %llu", last, t);
        last = t;
    }
    check_true(shared.wc_version != 0 && !(shared.wc_version & 1), "the wall clock's version");
    check_true(shared.wc_sec > 1'600'000'000, "the wall clock's year");
}

void oneshot()
{
    ticks = 0;
    std::uint64_t start = now();
    check(0, "set_timer_op", set_timer(start + 20 * ms));
    while (ticks == 0 && now() < start + 2000 * ms)
        block();
    std::uint64_t took = now() - start;
    check(1, "ticks", ticks);
    check_true(took >= 20 * ms, "not before its time");
    check_true(took < 500 * ms, "not long after");
    spin_until(now() + 50 * ms);
    check(1, "ticks later", ticks);
    set_timer(now() + 10 * ms);
    set_timer(0);
    spin_until(now() + 50 * ms);
    check(1, "ticks of a timer that was stopped", ticks);
    set_timer(1);
    check(2, "ticks of one in the past", ticks);
    spin_until(now() + 20 * ms);
    check(2, "ticks of it later", ticks);
    check(0, "the far future", set_timer(~0ull));
    spin_until(now() + 5 * ms);
    check(2, "it does not come", ticks);
    set_timer(0);
}

void interrupts_a_loop()
{
    ticks = 0;
    set_timer(now() + 5 * ms);
    std::uint64_t end = now() + 2000 * ms;
    while (!ticks && now() < end) {}
    check(1, "a timer interrupts a loop that makes no call", ticks);
}

void periodic()
{
    vcpu_set_periodic_timer op{10 * ms};
    ticks = 0;
    check(0, "set_periodic_timer", hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, &op));
    std::uint64_t end = now() + 1000 * ms;
    while (ticks < 10 && now() < end)
        block();
    check_true(ticks >= 10, "ten ticks in a second");
    check(0, "stop it", hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0));
    unsigned before = ticks;
    spin_until(now() + 50 * ms);
    check_true(ticks <= before + 1, "it has stopped");
    for (std::uint64_t bad : {0ull, 1ull, 999'999ull, ~0ull}) {
        op.period_ns = bad;
        check(-22, "a bad period", hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, &op));
    }
    vcpu_set_singleshot_timer one{1, VCPU_SSHOTTMR_future};
    check(-62, "single shot in the past that must be in the future",
          hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, &one));
    one = {now() + 5 * ms, VCPU_SSHOTTMR_future};
    ticks = 0;
    check(0, "single shot", hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, &one));
    while (!ticks && now() < end + 2000 * ms)
        block();
    check(1, "its tick", ticks);
}

void runstate()
{
    static vcpu_runstate_info area, info;
    vcpu_register_runstate_memory_area op{};
    op.addr.v = &area;
    check(0, "register_runstate_memory_area",
          hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, &op));
    check(0, "running", area.state);
    std::uint64_t blocked = area.time[RUNSTATE_blocked], entered = area.state_entry_time;
    ticks = 0;
    set_timer(now() + 30 * ms);
    while (!ticks)
        block();
    check_true(area.time[RUNSTATE_blocked] - blocked >= 25 * ms, "the sleep counts as blocked");
    check_true(area.state_entry_time > entered, "the entry time moved");
    check(0, "get_runstate_info", hypercall(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, &info));
    std::uint64_t sum = info.time[0] + info.time[1] + info.time[2] + info.time[3];
    std::uint64_t t = now();
    check_true(sum <= t && t - sum < 1000 * ms, "the states' times sum up to the time");
    op.addr.p = 0xfe000000;
    check(-14, "an area in the hypervisor",
          hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, &op));
}

// A copy of vcpu_info.time wherever the guest wants it.
void time_area()
{
    static vcpu_time_info copy;
    auto volatile &area = copy;
    vcpu_register_time_memory_area op{};
    op.addr.p = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&copy));
    check(0, "register_vcpu_time_memory_area",
          hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, &op));
    auto const &mine = shared.vcpu_info[0].time;
    check(static_cast<int>(mine.tsc_to_system_mul), "its scale", static_cast<int>(area.tsc_to_system_mul));
    check(mine.tsc_shift, "its shift", area.tsc_shift);
    std::uint32_t version = area.version;
    check_true(version != 0 && version % 2 == 0, "its version is even");
    std::uint64_t before = area.system_time;
    ticks = 0;
    set_timer(now() + 30 * ms);
    while (!ticks)
        block();
    check_true(area.version != version && area.version % 2 == 0, "another version after a sleep");
    check_true(area.system_time >= before + 25 * ms, "and another time");
    check_true(area.tsc_timestamp == mine.tsc_timestamp && area.system_time == mine.system_time, "the same in both");
    for (std::uint32_t bad : {0xfe000000u, 0xffffffe0u}) {
        op.addr.p = bad;
        check(-14, "an area in the hypervisor",
              hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, &op));
    }
    check(-14, "an argument in the hypervisor",
          hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, 0xfe000000u));
    op.addr.p = 0x1000;  // mapped by nobody: nothing is written, nothing breaks
    check(0, "an area that is not mapped",
          hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, &op));
    version = area.version;
    ticks = 0;
    set_timer(now() + 10 * ms);
    while (!ticks)
        block();
    check(static_cast<int>(version), "the old area is left alone", static_cast<int>(area.version));
}

}  // namespace

void test_main()
{
    evtchn_bind_virq op{VIRQ_TIMER, 0, 0};
    check(0, "bind_virq", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &op));
    port = op.port;
    on_trap = count_tick;
    event_mask() = 0;
    clock();
    oneshot();
    interrupts_a_loop();
    periodic();
    runstate();
    time_area();
    success();
}
