// SPDX-License-Identifier: MIT
#include <arch/upcalls.hpp>
#include <kernel/log.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/dispatch.hpp>
#include <kernel/syscall/syscall.hpp>

// The ends of the section, made by the linker.
extern "C" kernel::SyscallEntry const __start_syscalls[], __stop_syscalls[];

namespace kernel {
namespace {
SyscallEntry const *table[max_syscall];
bool table_made, tracing;

SyscallEntry const *entry_of(unsigned number) { return number < max_syscall ? table[number] : nullptr; }

Result<std::int32_t> unknown_call(TrapFrame &frame)
{
    auto n = frame.call_number();
    Thread &self = current();
    log_once(0x5c00'0000 | n, "%s[%d]: unknown system call %u(%#x, %#x, %#x, %#x, %#x, %#x)\n", self.name, self.tid, n,
             frame.call_arg(0), frame.call_arg(1), frame.call_arg(2), frame.call_arg(3), frame.call_arg(4),
             frame.call_arg(5));
    return Error::nosys;
}

void trace(TrapFrame const &frame, SyscallEntry const *entry, char const *outcome, std::int32_t result)
{
    Thread &self = current();
    log("%s[%d] %s(%#x, %#x, %#x, %#x, %#x, %#x)%s %d\n", self.name, self.tid, entry ? entry->name : "unknown",
        frame.call_arg(0), frame.call_arg(1), frame.call_arg(2), frame.call_arg(3), frame.call_arg(4),
        frame.call_arg(5), outcome, result);
}

bool wants_restart(Error e) { return e >= Error::restart_sys && e <= Error::restart_block; }
}  // namespace

void syscalls_init()
{
    for (auto const *e = __start_syscalls; e != __stop_syscalls; ++e) {
        ASSERT(e->number < max_syscall);
        if (table[e->number])
            panic("system call %u is both %s and %s", e->number, table[e->number]->name, e->name);
        table[e->number] = e;
    }
    table_made = true;
}

void trace_syscalls(bool on) { tracing = on; }

char const *syscall_name(unsigned number)
{
    auto const *entry = entry_of(number);
    return entry ? entry->name : nullptr;
}

// What the call wants to become of it is kept in the thread: on the way out it is known whether a handler runs.
void on_syscall(TrapFrame &frame)
{
    if (!table_made)
        syscalls_init();
    auto const *entry = entry_of(frame.call_number());
    TrapFrame before;
    if (tracing) {
        before = frame;
        trace(frame, entry, " ...", 0);
    }
    auto result = entry ? entry->invoke(frame) : unknown_call(frame);
    if (!result.ok() && wants_restart(result.error())) {
        current().restart = result.error();
        frame.set_call_result(-static_cast<std::int32_t>(Error::intr));
    } else {
        frame.set_call_result(to_errno(result));
    }
    if (tracing)
        trace(before, entry, " =", frame.call_result());
}

namespace {
Result<std::int32_t> sys_restart_syscall()
{
    RestartBlock block = std::exchange(current().restart_block, RestartBlock{});
    if (!block.resume)
        return Error::intr;
    return block.resume(block);
}
SYSCALL(restart_syscall, 0, sys_restart_syscall);

// Known, and not there: programs ask and go on without. No need to log it.
Result<> absent() { return Error::nosys; }
SYSCALL(ptrace, 26, absent);
SYSCALL(modify_ldt, 123, absent);
SYSCALL(delete_module, 129, absent);
SYSCALL(mbind, 274, absent);
SYSCALL(get_mempolicy, 275, absent);
SYSCALL(set_mempolicy, 276, absent);
SYSCALL(add_key, 286, absent);
SYSCALL(request_key, 287, absent);
SYSCALL(keyctl, 288, absent);
SYSCALL(seccomp, 354, absent);
SYSCALL(rseq, 386, absent);
SYSCALL(io_uring_setup, 425, absent);
SYSCALL(landlock_create_ruleset, 444, absent);
}  // namespace
}  // namespace kernel
