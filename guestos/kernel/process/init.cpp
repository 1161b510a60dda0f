// SPDX-License-Identifier: MIT
#include <arch/upcalls.hpp>
#include <kernel/block/block_device.hpp>
#include <kernel/fs/fd_table.hpp>
#include <kernel/fs/init.hpp>
#include <kernel/fs/root.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/process/exec.hpp>
#include <kernel/process/init.hpp>
#include <kernel/process/process_table.hpp>
#include <kernel/process/schedule.hpp>

namespace kernel {
namespace {
constexpr unsigned o_rdwr = 2;

// Without a console init runs with nothing open, as it would elsewhere.
void open_console()
{
    auto console = open_path_kernel("/dev/console", o_rdwr);
    if (!console.ok()) {
        log("<4>cannot open /dev/console (error %d): init starts without standard input and output",
            static_cast<int>(console.error()));
        return;
    }
    for (int fd = 0; fd < 3; ++fd)
        (void)current().files->install_at(fd, console.value(), false);
}

Result<> try_program(char const *path, InitProgram const &program)
{
    auto strings = TRY(ExecStrings::make());
    TRY(strings->push(path));
    strings->path_string = strings->top();
    strings->envc = TRY(strings->push_vector(program.environment));
    strings->argc = TRY(strings->push_vector(program.arguments)) + 1;
    TRY(strings->push(path));
    return exec_program(path, *strings);
}

// What is missing may be the program, or what its first line or its headers ask for.
[[noreturn]] void no_init(char const *path, Result<> const &why)
{
    char const *reason = "cannot be started";
    switch (why.error()) {
    case Error::noent: reason = "is not there, or the interpreter it names is not"; break;
    case Error::noexec: reason = "is not a 32-bit i386 program nor a script"; break;
    case Error::acces: reason = "is not an executable file"; break;
    case Error::nomem: reason = "does not fit into memory"; break;
    default: break;
    }
    panic("%s %s (error %d): give an initrd that has it, or name another program with init=PATH", path, reason,
          static_cast<int>(why.error()));
}

void run(InitProgram const &program)
{
    static char const *const usual[] = {"/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"};
    if (program.path) {
        auto result = try_program(program.path, program);
        if (!result.ok())
            no_init(program.path, result);
        return;
    }
    Result<> result{};
    for (auto path : usual) {
        result = try_program(path, program);
        if (result.ok())
            return;
        if (result.error() != Error::noent)
            no_init(path, result);
    }
    no_init(usual[0], result);
}

void init_thread(void *argument)
{
    finish_switch();
    arch::IrqFlags::enable();
    wait_for_partitions();
    auto const &program = *static_cast<InitProgram const *>(argument);
    if (program.root_on_disk)
        mount_root_device();
    open_console();
    run(program);
    enter_program();
}

// What a Linux distribution gives its first process.
void set_limits(Process &p)
{
    for (auto &l : p.limits)
        l = {limit_infinity, limit_infinity};
    auto threads = frame_counts().total / 16;
    p.limits[limit_stack].soft = 8 << 20;
    p.limits[limit_core].soft = 0;
    p.limits[limit_nproc] = p.limits[limit_sigpending] = {threads, threads};
    p.limits[limit_nofile] = {1024, FdTable::max_descriptors};
    p.limits[limit_memlock] = {8 << 20, 8 << 20};
    p.limits[limit_msgqueue] = {819200, 819200};
    p.limits[limit_nice] = p.limits[limit_rtprio] = {0, 0};
}

Result<> make_init(InitProgram const &program)
{
    auto thread = TRY(allocate_thread());
    auto process = TRY(allocate_process());
    thread->process = process;
    process->handlers = TRY(make_ref<SignalHandlers>());
    thread->files = TRY(make_ref<FdTable>());
    thread->fs = TRY(make_fs_context());
    set_limits(*process);
    TRY(register_thread(*thread, 1));
    auto session = TRY(new_session(1));
    process->group = TRY(new_group(1, session));
    register_process(*process, *thread);
    process->threads.push_back(*thread);
    process->live_threads = 1;
    thread->context = arch::fresh_context(&thread->user_frame(), init_thread, const_cast<InitProgram *>(&program));
    start_thread(*thread);
    return {};
}
}  // namespace

void start_init(InitProgram const &program)
{
    auto made = make_init(program);
    if (!made.ok())
        panic("cannot make the first process: error %d", static_cast<int>(made.error()));
}
}  // namespace kernel
