// SPDX-License-Identifier: MIT
// poll(2), ppoll(2).
#include <kernel/fs/fd_table.hpp>
#include <kernel/ipc/poll_wait.hpp>
#include <kernel/ipc/signal_mask_argument.hpp>
#include <kernel/syscall/syscall.hpp>
#include <kernel/time/clock.hpp>
#include <linux/poll.h>

namespace kernel {
namespace {
constexpr unsigned poll_files_most = FdTable::max_descriptors;

// Reads the list, waits, writes every revents.
Result<unsigned> poll_user(UserPtr<pollfd> user, unsigned count, std::uint64_t deadline_ns)
{
    if (count > poll_files_most || count > current_process().limits[limit_nofile].soft)
        return Error::inval;
    std::unique_ptr<pollfd[]> list{new (std::nothrow) pollfd[count ? count : 1]};
    std::unique_ptr<PolledFile[]> files{new (std::nothrow) PolledFile[count ? count : 1]};
    if (!list || !files)
        return Error::nomem;
    TRY(copy_in(list.get(), user.address(), count * sizeof(pollfd)));
    unsigned bad = 0;
    for (unsigned i = 0; i < count; ++i) {
        list[i].revents = 0;
        if (list[i].fd < 0)
            continue;
        auto file = current().files->get(list[i].fd);
        if (!file.ok()) {
            list[i].revents = POLLNVAL;
            ++bad;
            continue;
        }
        files[i].file = file.take();
        files[i].wanted = static_cast<std::uint16_t>(list[i].events);
    }
    auto ready = poll_files(files.get(), count, bad ? 0 : deadline_ns);
    if (!ready.ok())
        return ready;
    for (unsigned i = 0; i < count; ++i) {
        if (files[i].got)
            list[i].revents = static_cast<short>(files[i].got);
        TRY((user + i).as<pollfd>().write(list[i]));
    }
    return ready.value() + bad;
}

Result<std::int32_t> resume_poll(RestartBlock &);

Result<std::int32_t> poll_until(std::uint32_t list, std::uint32_t count, std::uint64_t deadline_ns)
{
    auto ready = poll_user(UserPtr<pollfd>{list}, count, deadline_ns);
    if (ready.ok())
        return static_cast<std::int32_t>(ready.value());
    if (ready.error() != Error::restart_sys)
        return ready.error();
    current().restart_block = {resume_poll, {list, count}, deadline_ns};
    return Error::restart_block;
}

Result<std::int32_t> resume_poll(RestartBlock &b) { return poll_until(b.argument[0], b.argument[1], b.deadline_ns); }

Result<std::int32_t> sys_poll(std::uint32_t list, std::uint32_t count, std::int32_t milliseconds)
{
    constexpr std::uint64_t ns_per_ms = 1'000'000;
    if (milliseconds < 0)
        return poll_until(list, count, arch::no_deadline);
    return poll_until(list, count,
                      milliseconds ? deadline_after(static_cast<std::uint64_t>(milliseconds) * ns_per_ms) : 0);
}

template <class TimeSpec>
Result<std::int32_t> ppoll(UserPtr<pollfd> list, std::uint32_t count, UserPtr<TimeSpec> timeout,
                           UserPtr<SignalSet> mask, std::uint32_t mask_bytes)
{
    std::uint64_t deadline = arch::no_deadline;
    if (timeout) {
        auto ns = TRY(to_ns(TRY(timeout.read())));
        deadline = ns ? deadline_after(ns) : 0;
    }
    TRY(replace_signal_mask(mask, mask_bytes));
    auto ready = poll_user(list, count, deadline);
    if (mask)
        settle_signal_mask(ready.error());
    if (timeout && deadline != 0)
        (void)timeout.write(to_timespec<TimeSpec>(time_left(deadline)));
    if (ready.ok())
        return static_cast<std::int32_t>(ready.value());
    return ready.error() == Error::restart_sys ? Error::restart_nohand : ready.error();
}

SYSCALL(poll, 168, sys_poll);
SYSCALL(ppoll, 309, ppoll<abi_timespec32>);
SYSCALL(ppoll_time64, 414, ppoll<abi_timespec64>);
}  // namespace
}  // namespace kernel
