// SPDX-License-Identifier: MIT
#include "threads.hpp"
#include <arch/clock.hpp>
#include <kernel/fs/fd_table.hpp>
#include <kernel/memory/write_back.hpp>
#include <kernel/process/process.hpp>
#include <kernel/process/schedule.hpp>
#include <lib/panic.hpp>
#include <memory>
#include <ucontext.h>
#include <vector>

namespace {
constexpr std::size_t stack_bytes = 256 << 10;
struct Fiber {
    ucontext_t context{};
    std::unique_ptr<char[]> stack;
    kernel::Ref<kernel::Thread> thread{new kernel::Thread};
    std::function<void()> f;
    bool runnable = true, ended = false, program = false;
    std::uint64_t deadline = arch::no_deadline;
};
std::vector<std::unique_ptr<Fiber>> fibers;
Fiber *running = nullptr;
std::uint64_t clock_ns = 1'000'000'000;

Fiber &fiber_of(kernel::Thread &t)
{
    for (auto &f : fibers)
        if (f->thread.get() == &t)
            return *f;
    panic("a thread of nobody");
}

Fiber *next_runnable()
{
    std::size_t at = 0;
    while (fibers[at].get() != running)
        ++at;
    for (std::size_t i = 1; i <= fibers.size(); ++i)
        if (auto &f = *fibers[(at + i) % fibers.size()]; f.runnable && !f.ended)
            return &f;
    return nullptr;
}

void switch_away()
{
    auto *next = next_runnable();
    if (!next) {
        for (auto &f : fibers)
            if (!f->ended && (!next || f->deadline < next->deadline))
                next = f.get();
        if (!next || next->deadline == arch::no_deadline)
            panic("every thread sleeps and nobody will wake one");
        clock_ns = next->deadline;
        next->runnable = true;
    }
    auto *self = running;
    if (next == self)
        return;
    running = next;
    swapcontext(&self->context, &next->context);
}

void run_fiber()
{
    running->f();
    running->ended = true;
    switch_away();
}

Fiber &add(std::function<void()> f, bool program)
{
    auto &made = *fibers.emplace_back(std::make_unique<Fiber>());
    made.f = std::move(f);
    made.program = program;
    made.stack = std::make_unique<char[]>(stack_bytes);
    getcontext(&made.context);
    made.context.uc_stack.ss_sp = made.stack.get();
    made.context.uc_stack.ss_size = stack_bytes;
    makecontext(&made.context, run_fiber, 0);
    return made;
}
}  // namespace

void threads::begin()
{
    fibers.clear();
    fibers.push_back(std::make_unique<Fiber>());
    running = fibers.front().get();
}

void threads::start(std::function<void()> f) { add(std::move(f), true); }

void threads::join()
{
    auto any = [] {
        for (auto &f : fibers)
            if (f->program && !f->ended)
                return true;
        return false;
    };
    while (any()) {
        running->runnable = true;
        kernel::yield();
        if (next_runnable() == running) {  // only this one could run: time goes on
            running->runnable = false;
            running->deadline = clock_ns + 1'000'000;
            switch_away();
        }
    }
}

bool threads::serves_write_back(bool is) { return std::exchange(running->thread->serves_write_back, is); }

std::uint64_t arch::now_ns() { return clock_ns; }

namespace kernel {
Thread::~Thread() = default;
Thread &current() { return *running->thread; }
Cpu &this_cpu()
{
    static Cpu cpu;
    return cpu;
}
bool fatal_signal_pending(Thread const &) { return false; }
void set_policy(Thread &, int, int, int) {}
void yield() { switch_away(); }
Result<Ref<Thread>> start_kernel_thread(char const *, void (*entry)(void *), void *argument)
{
    return add([=] { entry(argument); }, false).thread;
}
void WaitQueue::wake_all()
{
    while (!waiters_.empty()) {
        auto &w = waiters_.front();
        w.unlink();
        fiber_of(*w.thread).runnable = true;
    }
}
Result<> sleep_on(WaitQueue &queue, Waiter &waiter, Sleep, std::uint64_t deadline_ns)
{
    if (clock_ns >= deadline_ns)
        return Error::timedout;
    waiter.thread = &current();
    queue.add(waiter);
    running->runnable = false;
    running->deadline = deadline_ns;
    switch_away();
    bool const woken = !waiter.is_linked();
    waiter.unlink();
    return woken || clock_ns < deadline_ns ? Result<>{} : Result<>{Error::timedout};
}
}  // namespace kernel
