// SPDX-License-Identifier: MIT
// Who gets the processor: the runnable vCPU with the most credit. Running costs credit, nanosecond by nanosecond; when
// nobody has any left, everybody gets a slice's worth. So all get equal shares, and one that slept runs at once.
#include <hv/console.hpp>
#include <hv/cpu.hpp>
#include <hv/descriptor.hpp>
#include <hv/event.hpp>
#include <hv/guest_copy.hpp>
#include <hv/log.hpp>
#include <hv/memory.hpp>
#include <hv/percpu.hpp>
#include <hv/pirq.hpp>
#include <hv/schedule.hpp>
#include <hv/time.hpp>
#include <hv/trap.hpp>
#include <lib/x86/priv.hpp>

namespace hv {
namespace {

constexpr std::int64_t slice_ns = 10'000'000;
std::uint64_t idle_time;

bool can_run(Vcpu const &v)
{
    Domain const &d = *v.domain;
    return v.initialised && !v.paused && !d.pause_count && !d.is_shutdown && !d.dying
        && (v.state == RunState::running || v.state == RunState::runnable);
}

std::int64_t ran_since(Vcpu const &v, std::uint64_t now)
{
    return v.state == RunState::running ? static_cast<std::int64_t>(now - v.state_entered_ns) : 0;
}

template <class F>
void for_each_runnable(F f)
{
    for (Domain *d = domain_list; d; d = d->next)
        for (unsigned i = 0; i < d->vcpu_count; ++i)
            if (Vcpu *v = d->vcpus[i]; v && can_run(*v))
                f(*v);
}

struct Choice {
    Vcpu *best = nullptr;
    unsigned runnable = 0;
};

Choice choose(std::uint64_t now)
{
    Choice c;
    std::int64_t most = 0;
    for_each_runnable([&](Vcpu &v) {
        std::int64_t credit = v.credit - ran_since(v, now);
        ++c.runnable;
        if (c.best && credit <= most)
            return;
        c.best = &v;
        most = credit;
    });
    if (c.best && most <= 0)
        for_each_runnable([now](Vcpu &v) { v.credit = slice_ns + ran_since(v, now); });
    return c;
}

// Everything of the vCPU that runs leaves the processor, but its general registers: they are in Vcpu::regs already.
void leave(Vcpu &v)
{
    narrow_segments(v);
    fpu_save(v);
    if (v.state == RunState::running)
        set_run_state(v, RunState::runnable);
}

void enter(Vcpu &v)
{
    Cpu &cpu = this_cpu();
    if (cpu.current != &v) {
        if (cpu.current)
            leave(*cpu.current);
        cpu.current = &v;
        load_page_tables(v);
        load_descriptor_tables(v);
        load_debug_registers(v);
    }
    cpu.idle = false;
    if (v.state != RunState::running)
        set_run_state(v, RunState::running);
    update_vcpu_time(v);
}

void wait_for_interrupt()
{
    Cpu &cpu = this_cpu();
    if (!cpu.idle) {
        cpu.idle = true;
        set_slice_end(0);
        if (cpu.current && cpu.current->state == RunState::running)
            set_run_state(*cpu.current, RunState::runnable);
    }
    std::uint64_t start = now_ns();
    x86::sti_hlt();
    x86::cli();
    idle_time += now_ns() - start;
}

}  // namespace

Vcpu &choose_vcpu()
{
    Cpu &cpu = this_cpu();
    for (;;) {
        if (cpu.timer_due)
            run_timers();
        console_work();
        pirq_work();
        if (!cpu.reschedule && !cpu.idle && can_run(*cpu.current))
            return *cpu.current;
        cpu.reschedule = false;
        std::uint64_t now = now_ns();
        Choice c = choose(now);
        if (!c.best) {
            wait_for_interrupt();
            continue;
        }
        enter(*c.best);
        set_slice_end(c.runnable > 1 ? now + slice_ns : 0);
        if (!cpu.reschedule)
            return *c.best;
    }
}

std::uint64_t idle_ns() { return idle_time; }

void request_reschedule() { this_cpu().reschedule = true; }

void wake(Vcpu &v)
{
    if (v.state != RunState::blocked)
        return;
    set_run_state(v, RunState::runnable);
    request_reschedule();
}

void sleep_current(RunState state)
{
    set_run_state(current(), state);
    request_reschedule();
}

void set_run_state(Vcpu &v, RunState state)
{
    std::uint64_t now = now_ns();
    v.credit -= ran_since(v, now);
    v.state_time_ns[static_cast<unsigned>(v.state)] += now - v.state_entered_ns;
    v.state_entered_ns = now;
    v.state = state;
    if (&v == this_cpu().current)
        write_runstate_area(v);
}

void runstate_now(Vcpu const &v, vcpu_runstate_info &out)
{
    out = {};
    out.state = static_cast<std::int32_t>(v.state);
    out.state_entry_time = v.state_entered_ns;
    for (unsigned i = 0; i < 4; ++i)
        out.time[i] = v.state_time_ns[i];
    out.time[static_cast<unsigned>(v.state)] += now_ns() - v.state_entered_ns;
}

// The guest chose the address: if it cannot be written now, it is not written.
void write_runstate_area(Vcpu &v)
{
    if (!v.runstate_area)
        return;
    auto at = static_cast<std::uint32_t>(v.runstate_area);
    vcpu_runstate_info info{};
    info.state = static_cast<std::int32_t>(v.state);
    info.state_entry_time = v.state_entered_ns;
    for (unsigned i = 0; i < 4; ++i)
        info.time[i] = v.state_time_ns[i];
    std::uint32_t const stamp = at + offsetof(vcpu_runstate_info, state_entry_time);
    bool flag = v.domain->vm_assist >> VMASST_TYPE_runstate_update_flag & 1;
    std::uint64_t busy = info.state_entry_time | XEN_RUNSTATE_UPDATE;
    if (flag && !write_guest(stamp, busy))
        return;
    info.state_entry_time = flag ? busy : info.state_entry_time;
    if (!write_guest(at, info))
        return;
    if (flag)
        static_cast<void>(write_guest(stamp, busy & ~XEN_RUNSTATE_UPDATE));
}

void start_first_domain(Domain &d)
{
    Vcpu &v = *d.vcpus[0];
    v.initialised = true;
    set_run_state(v, RunState::runnable);
    this_cpu().idle = false;
    request_reschedule();
    rearm_timer();
    console_start_input();
    exit_to_guest();
}

}  // namespace hv
