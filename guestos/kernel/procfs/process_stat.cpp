// SPDX-License-Identifier: MIT
// /proc/N/stat and statm: numbers in proc(5)'s order.
#include <kernel/process/usage.hpp>
#include <kernel/procfs/process_text.hpp>
#include <kernel/tty/tty.hpp>

namespace kernel {
namespace {
constexpr std::uint64_t ns_per_tick = 10'000'000;  // USER_HZ: 100
}

char state_letter(Process &p, Thread &t, bool whole_process)
{
    if (whole_process && p.zombie)
        return 'Z';
    switch (t.state) {
    case ThreadState::runnable: return 'R';
    case ThreadState::sleeping: return t.interruptible ? 'S' : 'D';
    case ThreadState::stopped: return 'T';
    case ThreadState::zombie: return 'Z';
    case ThreadState::dead: return 'X';
    }
    return 'R';
}

SignalSets signal_dispositions(Process &p)
{
    SignalSets sets{};
    if (!p.handlers)
        return sets;
    for (int n = 1; n <= 64; ++n) {
        auto handler = p.handlers->action[n - 1].handler;
        if (handler == 1)
            sets.ignored |= signal_bit(n);
        else if (handler)
            sets.caught |= signal_bit(n);
    }
    return sets;
}

// tty_nr: minor in bits 0-7 and 20-31, major in bits 8-15.
static std::uint32_t terminal_number(Process &p)
{
    auto tty = p.group ? p.group->session->tty : nullptr;
    return tty ? tty->major_number << 8 | (tty->minor_number & 0xff) | (tty->minor_number & ~0xffu) << 12 : 0;
}

static void print_identity(Text &out, Process &p, Thread &t, bool whole)
{
    auto tty = p.group ? p.group->session->tty : nullptr;
    out.print("%d (%s) %c %d %d %d %u %d 0", whole ? p.pid : t.tid, t.name, state_letter(p, t, whole),
              p.parent ? p.parent->pid : 0, p.group ? p.group->id : 0, p.group ? p.group->session->id : 0,
              terminal_number(p), tty ? tty->foreground ? tty->foreground->id : -1 : -1);
}

static void print_times(Text &out, Process &p, Thread &t, bool whole)
{
    auto usage = whole ? usage_of_process(p) : usage_of_thread(t);
    auto children = usage_of_children(p);
    auto times = whole ? times_of(p) : times_of(t);
    auto ticks = [](std::uint64_t ns) { return static_cast<unsigned long long>(ns / ns_per_tick); };
    out.print(" %d %d %d %d %llu %llu %llu %llu", static_cast<int>(usage.ru_minflt), static_cast<int>(children.ru_minflt),
              static_cast<int>(usage.ru_majflt), static_cast<int>(children.ru_majflt), ticks(times.user_ns),
              ticks(times.kernel_ns), ticks(p.children_user_ns), ticks(p.children_kernel_ns));
    int priority = t.policy == 1 || t.policy == 2 ? -1 - t.rt_priority : 20 + t.nice;
    out.print(" %d %d %u 0 %llu", priority, t.nice, p.live_threads, ticks(whole ? p.start_ns : t.start_ns));
}

static void print_memory(Text &out, Process &p, AddressSpace *space)
{
    auto sizes = space ? space->sizes() : AddressSpace::Sizes{};
    auto limit = p.limits[limit_rss].soft;
    auto at = [space](Vaddr AddressSpace::*field) { return space ? (space->*field).raw() : 0u; };
    out.print(" %u %u %llu %u %u %u 0 0", sizes.total_pages * page_size, sizes.resident_pages,
              static_cast<unsigned long long>(limit == limit_infinity ? 0xffff'ffff : limit),
              at(&AddressSpace::start_code), at(&AddressSpace::end_code), at(&AddressSpace::start_stack));
}

Result<> show_process_stat(Text &out, ProcTarget const &target)
{
    auto thread = TRY(target.thread());
    auto &t = *thread;
    auto &p = *t.process;
    bool whole = target.tid == 0;
    auto space = t.memory;
    auto low = [](std::uint64_t set) { return static_cast<unsigned>(set & 0x7fff'ffff); };
    auto at = [&space](Vaddr AddressSpace::*field) { return space ? ((*space).*field).raw() : 0u; };

    print_identity(out, p, t, whole);
    print_times(out, p, t, whole);
    print_memory(out, p, space.get());
    auto sets = signal_dispositions(p);
    out.print(" %u %u %u %u 0 0 0 %d 0 %d %d 0 0 0", low(pending_signals(t)), low(t.signals.mask), low(sets.ignored),
              low(sets.caught), p.exit_signal, t.rt_priority, t.policy);
    out.print(" %u %u %u %u %u %u %u %d\n", at(&AddressSpace::start_data), at(&AddressSpace::end_data),
              at(&AddressSpace::start_break), at(&AddressSpace::arg_start), at(&AddressSpace::arg_end),
              at(&AddressSpace::env_start), at(&AddressSpace::env_end), p.zombie ? p.exit_status : 0);
    return {};
}

Result<> show_statm(Text &out, ProcTarget const &target)
{
    auto thread = TRY(target.thread());
    auto s = thread->memory ? thread->memory->sizes() : AddressSpace::Sizes{};
    out.print("%u %u %u %u 0 %u 0\n", s.total_pages, s.resident_pages, s.shared_pages, s.text_pages,
              s.data_pages + s.stack_pages);
    return {};
}
}  // namespace kernel
