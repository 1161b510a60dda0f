// SPDX-License-Identifier: MIT
// Putting a vCPU on the processor and taking it off. Who that is says run_queue.cpp.
#include <hv/console.hpp>
#include <hv/cpu.hpp>
#include <hv/descriptor.hpp>
#include <hv/memory.hpp>
#include <hv/percpu.hpp>
#include <hv/pirq.hpp>
#include <hv/run_queue.hpp>
#include <hv/schedule.hpp>
#include <hv/time.hpp>
#include <hv/trap.hpp>
#include <hv/vcpu.hpp>
#include <lib/x86/priv.hpp>

namespace hv {
namespace {

std::uint64_t idle_time;

// Everything of the vCPU that runs leaves the processor, but its general registers: they are in Vcpu::regs already.
void leave(Vcpu &v)
{
    narrow_segments(v);
    fpu_save(v);
    rest(v);
}

void enter(Vcpu &v)
{
    Cpu &cpu = this_cpu();
    if (cpu.current != &v) {
        if (cpu.current)
            leave(*cpu.current);
        give_window(v);
        cpu.current = &v;
        load_page_tables(v);
        load_descriptor_tables(v);
        load_debug_registers(v);
        fpu_load(v);
    }
    cpu.idle = false;
    if (v.state != RunState::running)
        set_run_state(v, RunState::running);
    update_vcpu_time(v);
}

// The vCPU that ran last stays in the processor: often it is the next.
void wait_for_interrupt()
{
    Cpu &cpu = this_cpu();
    if (!cpu.idle) {
        cpu.idle = true;
        if (cpu.current)
            rest(*cpu.current);
        end_turn();
        rearm_timer();
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
        if (cpu.device_work) {
            cpu.device_work = false;
            console_work();
            pirq_work();
        }
        if (!cpu.idle && !cpu.reschedule)
            return *cpu.current;
        cpu.reschedule = false;
        std::uint64_t now = now_ns();
        Vcpu *next = take_next(now);
        if (!next) {
            wait_for_interrupt();
            continue;
        }
        enter(*next);
        begin_turn(now);
        if (!cpu.reschedule)
            return *next;
    }
}

std::uint64_t idle_ns() { return idle_time; }

void request_reschedule() { this_cpu().reschedule = true; }

void wake(Vcpu &v)
{
    if (!v.blocked)
        return;
    v.blocked = false;
    reconsider(v);
}

void block_current()
{
    current().blocked = true;
    reconsider(current());
}

void set_online(Vcpu &v, bool online)
{
    v.online = online;
    if (!online)
        v.blocked = v.in_polling = false;
    reconsider(v);
}

void start_first_domain(Domain &d)
{
    Vcpu &v = *d.vcpus[0];
    v.initialised = true;
    set_online(v, true);
    rearm_timer();
    console_start_input();
    exit_to_guest();
}

}  // namespace hv
