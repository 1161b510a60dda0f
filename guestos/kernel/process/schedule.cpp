// SPDX-License-Identifier: MIT
#include <algorithm>
#include <arch/clock.hpp>
#include <arch/page_tables.hpp>
#include <arch/upcalls.hpp>
#include <cstring>
#include <kernel/fs/fd_table.hpp>
#include <kernel/lazy.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/process/load_average.hpp>
#include <kernel/process/process_table.hpp>
#include <kernel/process/schedule.hpp>
#include <kernel/time/clock.hpp>
#include <kernel/time/process_timers.hpp>
#include <kernel/time/timer_queue.hpp>
#include <lib/format.hpp>

namespace kernel {
namespace {
constinit Lazy<Cpu> boot_cpu;
constexpr std::uint32_t stack_canary = 0x5afe'57ac;

// Time since the last call belongs to the running thread. Which side of the system call it was spent on is sampled by ticks,
// so that system calls themselves pay nothing for it.
void account(Cpu &cpu, std::uint64_t now, int tick_in_user = -1)
{
    auto elapsed = now > cpu.charged_until_ns ? now - cpu.charged_until_ns : 0;
    cpu.charged_until_ns = now;
    Thread &t = *cpu.running;
    if (&t == cpu.idle) {
        cpu.idle_ns += elapsed;
        return;
    }
    cpu.queue.charge(t.sched, elapsed);
    if (tick_in_user >= 0)
        t.sampled_in_kernel = tick_in_user == 0;
    bool kernel_side = t.sampled_in_kernel || !t.process;
    (kernel_side ? t.kernel_ns : t.user_ns) += elapsed;
    (kernel_side ? cpu.busy_kernel_ns : cpu.busy_user_ns) += elapsed;
}

void free_kernel_stack(Thread &t)
{
    if (!t.kernel_stack)
        return;
    free_frames(frame_of_address(t.kernel_stack), 1);
    t.kernel_stack = nullptr;
}

void switch_to(Cpu &cpu, Thread &next)
{
    Thread &previous = *cpu.running;
    if (previous.kernel_stack)
        ASSERT(*static_cast<std::uint32_t *>(previous.kernel_stack) == stack_canary);
    bool dead = previous.state == ThreadState::zombie || previous.state == ThreadState::dead;
    cpu.running = &next;
    cpu.leaving = &previous;
    set_clock_alarm();
    arch::switch_thread_state(dead ? nullptr : &previous.arch_state, next.arch_state);
    if (next.memory)
        next.memory->activate();
    else
        arch::PageTables::leave_dead();
    arch::switch_context(&previous.context, next.context);
    finish_switch();
}
}  // namespace

void charge_running()
{
    arch::IrqGuard guard;
    account(this_cpu(), arch::now_ns());
}

Cpu &this_cpu() { return *boot_cpu; }
Thread &current() { return *this_cpu().running; }

Result<> allocate_kernel_stack(Thread &t)
{
    static_assert(kernel_stack_bytes == page_size * 2);
    t.kernel_stack = frame_address(TRY(allocate_frames(1)));
    // What ran from these frames before is no longer there, says this also to an emulator: it keeps what it made of code until the code
    // is written over, and meanwhile each store next to it is slow.
    std::memset(t.kernel_stack, 0, kernel_stack_bytes);
    *static_cast<std::uint32_t *>(t.kernel_stack) = stack_canary;
    t.arch_state.kernel_stack_top = vaddr_of(t.kernel_stack) + kernel_stack_bytes;
    return {};
}

Thread::~Thread() { free_kernel_stack(*this); }

TrapFrame &Thread::user_frame() const
{
    return *reinterpret_cast<TrapFrame *>(static_cast<char *>(kernel_stack) + kernel_stack_bytes - sizeof(TrapFrame));
}

void scheduler_init()
{
    Cpu &cpu = this_cpu();
    auto *boot = new (std::nothrow) Thread;
    ASSERT(boot != nullptr);
    boot->ref();
    std::strcpy(boot->name, "idle");
    boot->arch_state.kernel_stack_top = Vaddr{};
    boot->sched.thread = boot;
    cpu.idle = cpu.running = boot;
    cpu.charged_until_ns = arch::now_ns();
}

// On the new stack: the thread we came from may have ended, and then its stack is free at last.
void finish_switch()
{
    Cpu &cpu = this_cpu();
    Thread *left = std::exchange(cpu.leaving, nullptr);
    cpu.queue.unlock();
    if (left && (left->state == ThreadState::zombie || left->state == ThreadState::dead)) {
        free_kernel_stack(*left);
        left->unref();  // the reference of being alive, taken by start_thread()
    }
}

void schedule()
{
    arch::IrqGuard guard;
    Cpu &cpu = this_cpu();
    cpu.queue.lock();
    Thread &previous = *cpu.running;
    account(cpu, arch::now_ns());
    if (previous.state == ThreadState::runnable && &previous != cpu.idle) {
        auto arrival = previous.need_resched ? RunQueue::Arrival::preempted : RunQueue::Arrival::yielded;
        cpu.queue.enqueue(previous.sched, arrival);
        ++previous.involuntary_switches;
    } else {
        ++previous.voluntary_switches;
    }
    previous.need_resched = false;
    SchedEntity *first = cpu.queue.take_first();
    Thread &next = first ? *first->thread : *cpu.idle;
    if (&next == &previous) {
        cpu.queue.unlock();
        return;
    }
    switch_to(cpu, next);
}

namespace {
void make_runnable(Thread &t, RunQueue::Arrival arrival)
{
    Cpu &cpu = this_cpu();
    t.state = ThreadState::runnable;
    if (&t == cpu.running)
        return;  // woken between going to sleep and leaving the processor
    cpu.queue.lock();
    cpu.queue.enqueue(t.sched, arrival);
    Thread &running = *cpu.running;
    if (&running == cpu.idle || RunQueue::preempts(t.sched, running.sched))
        running.need_resched = true;
    cpu.queue.unlock();
}
}  // namespace

void wake(Thread &t)
{
    arch::IrqGuard guard;
    if (t.state == ThreadState::sleeping)
        make_runnable(t, RunQueue::Arrival::woken);
}

void wake_from_stop(Thread &t)
{
    arch::IrqGuard guard;
    if (t.state == ThreadState::stopped)
        make_runnable(t, RunQueue::Arrival::woken);
}

void start_thread(Thread &t)
{
    arch::IrqGuard guard;
    t.ref();
    t.sched.thread = &t;
    set_policy(t, t.policy, t.rt_priority, t.nice);
    make_runnable(t, RunQueue::Arrival::created);
}

// SCHED_OTHER 0, FIFO 1, RR 2, BATCH 3, IDLE 5.
void set_policy(Thread &t, int policy, int rt_priority, int nice)
{
    arch::IrqGuard guard;
    RunQueue &queue = this_cpu().queue;
    bool queued = t.sched.queued;
    if (queued)
        queue.remove(t.sched);
    bool was_fair = t.sched.rank == SchedEntity::fair_rank;
    bool real_time = policy == 1 || policy == 2;
    t.policy = policy;
    t.rt_priority = rt_priority;
    t.nice = nice;
    t.sched.rank = real_time ? static_cast<std::uint8_t>(99 - rt_priority) : SchedEntity::fair_rank;
    t.sched.interactive = policy == 0 || policy == 2;
    t.sched.weight = policy == 5 ? idle_policy_weight : weight_of_nice(nice);
    if (real_time == was_fair)
        t.sched.key = 0;
    if (queued)
        queue.enqueue(t.sched, RunQueue::Arrival::created);
}

void yield() { schedule(); }

// One alarm serves timers and slices. It is moved forward at once, but never back: an early alarm finds nothing to do and
// sets the next one, which is cheaper than telling the clock at every switch.
void set_clock_alarm()
{
    Cpu &cpu = this_cpu();
    auto wanted = timer_queue().next_deadline();
    if (cpu.running != cpu.idle || !cpu.queue.empty())
        wanted = std::min(wanted, cpu.charged_until_ns + RunQueue::slice_ns);
    if (wanted >= cpu.alarm_ns)
        return;
    cpu.alarm_ns = wanted;
    arch::set_deadline(wanted);
}

void schedule_tick()
{
    Cpu &cpu = this_cpu();
    if (cpu.running != cpu.idle && cpu.queue.slice_over(cpu.running->sched))
        cpu.running->need_resched = true;
}

void on_timer(TrapFrame &frame)
{
    Cpu &cpu = this_cpu();
    auto now = arch::now_ns();
    cpu.alarm_ns = arch::no_deadline;
    account(cpu, now, frame.from_user());
    publish_realtime();
    timer_queue().run_expired(now);
    if (cpu.running->process)
        check_cpu_timers(*cpu.running);
    sample_load(now, cpu.queue.size() + (cpu.running != cpu.idle ? 1 : 0));
    schedule_tick();
    set_clock_alarm();
}

void idle()
{
    for (;;) {
        arch::IrqFlags::disable();
        Cpu &cpu = this_cpu();
        if (!cpu.queue.empty()) {
            schedule();
            continue;
        }
        set_clock_alarm();
        arch::IrqFlags::wait_enabled();
    }
}

Result<Ref<Thread>> start_kernel_thread(char const *name, void (*entry)(void *), void *argument)
{
    struct Start {
        void (*entry)(void *);
        void *argument;
    };
    auto t = TRY(make_ref<Thread>());
    TRY(allocate_kernel_stack(*t));
    format(t->name, sizeof t->name, "%s", name);
    auto *start = reinterpret_cast<Start *>(static_cast<char *>(t->kernel_stack) + kernel_stack_bytes) - 1;
    *start = {entry, argument};
    t->arch_state.kernel_stack_top = Vaddr{};  // never enters ring 3: what only ring 3 needs stays as it is
    t->context = arch::fresh_context(
        start,
        [](void *p) {
            Start s = *static_cast<Start *>(p);
            finish_switch();
            arch::IrqFlags::enable();
            s.entry(s.argument);
            arch::IrqFlags::disable();
            current().state = ThreadState::dead;
            schedule();
            panic("a dead kernel thread runs");
        },
        start);
    start_thread(*t);
    return t;
}
}  // namespace kernel
