// SPDX-License-Identifier: MIT
// epoll_create(2), epoll_ctl(2), epoll_wait(2) and their variants.
#include <kernel/fs/fd_table.hpp>
#include <kernel/ipc/anonymous.hpp>
#include <kernel/ipc/epoll.hpp>
#include <kernel/ipc/signal_mask_argument.hpp>
#include <kernel/syscall/syscall.hpp>
#include <kernel/time/clock.hpp>
#include <linux/eventpoll.h>
#include <memory>

namespace kernel {
namespace {
constexpr unsigned o_cloexec = 02000000, o_rdwr = 2;
constexpr std::uint32_t exclusive_allowed = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET
    | EPOLLEXCLUSIVE;
constexpr unsigned batch = 256;

Result<std::int32_t> sys_epoll_create1(unsigned flags)
{
    if (flags & ~o_cloexec)
        return Error::inval;
    return install_anonymous(Ref<File>{TRY(make_ref<Epoll>(o_rdwr))}, flags);
}
Result<std::int32_t> sys_epoll_create(std::int32_t size)
{
    if (size <= 0)
        return Error::inval;
    return sys_epoll_create1(0);
}

Result<> sys_epoll_ctl(int epfd, int operation, int fd, UserPtr<EpollEvent> user)
{
    EpollEvent event{};
    if (operation != EPOLL_CTL_DEL)
        event = TRY(user.read());
    auto holder = TRY(current().files->get(epfd));
    auto target = TRY(current().files->get(fd));
    auto epoll = holder->as_epoll();
    if (!epoll || holder == target)
        return Error::inval;
    if (operation == EPOLL_CTL_ADD && event.events & EPOLLEXCLUSIVE && event.events & ~exclusive_allowed)
        return Error::inval;
    switch (operation) {
    case EPOLL_CTL_ADD: return epoll->add(*target, fd, event);
    case EPOLL_CTL_MOD: return epoll->modify(*target, fd, event);
    case EPOLL_CTL_DEL: return epoll->remove(*target, fd);
    default: return Error::inval;
    }
}

Result<unsigned> wait_user(int epfd, UserPtr<EpollEvent> user, std::int32_t most, std::uint64_t deadline)
{
    if (most <= 0)
        return Error::inval;
    auto holder = TRY(current().files->get(epfd));
    auto epoll = holder->as_epoll();
    if (!epoll)
        return Error::inval;
    auto n = static_cast<unsigned>(most) < batch ? static_cast<unsigned>(most) : batch;
    std::unique_ptr<EpollEvent[]> events{new (std::nothrow) EpollEvent[n]};
    if (!events)
        return Error::nomem;
    auto got = epoll->wait(events.get(), n, deadline);
    if (got.ok())
        TRY(copy_out(user.address(), events.get(), got.value() * sizeof(EpollEvent)));
    return got;
}

Result<std::int32_t> finish(Result<unsigned> const &got)
{
    if (got.ok())
        return static_cast<std::int32_t>(got.value());
    return got.error() == Error::restart_sys ? Error::intr : got.error();  // never restarted: signal(7)
}

std::uint64_t deadline_of(std::int32_t milliseconds)
{
    constexpr std::uint64_t ns_per_ms = 1'000'000;
    if (milliseconds < 0)
        return arch::no_deadline;
    return milliseconds ? deadline_after(static_cast<std::uint64_t>(milliseconds) * ns_per_ms) : 0;
}

Result<std::int32_t> sys_epoll_wait(int epfd, UserPtr<EpollEvent> user, std::int32_t most, std::int32_t milliseconds)
{
    return finish(wait_user(epfd, user, most, deadline_of(milliseconds)));
}

Result<std::int32_t> wait_with_mask(int epfd, UserPtr<EpollEvent> user, std::int32_t most, std::uint64_t deadline,
                                    UserPtr<SignalSet> mask, std::uint32_t mask_bytes)
{
    TRY(replace_signal_mask(mask, mask_bytes));
    auto got = wait_user(epfd, user, most, deadline);
    if (mask)
        settle_signal_mask(got.error());
    return finish(got);
}

Result<std::int32_t> sys_epoll_pwait(int epfd, UserPtr<EpollEvent> user, std::int32_t most, std::int32_t milliseconds,
                                     UserPtr<SignalSet> mask, std::uint32_t mask_bytes)
{
    return wait_with_mask(epfd, user, most, deadline_of(milliseconds), mask, mask_bytes);
}

Result<std::int32_t> sys_epoll_pwait2(int epfd, UserPtr<EpollEvent> user, std::int32_t most,
                                      UserPtr<abi_timespec64> timeout, UserPtr<SignalSet> mask, std::uint32_t mask_bytes)
{
    std::uint64_t deadline = arch::no_deadline;
    if (timeout) {
        auto ns = TRY(to_ns(TRY(timeout.read())));
        deadline = ns ? deadline_after(ns) : 0;
    }
    return wait_with_mask(epfd, user, most, deadline, mask, mask_bytes);
}

SYSCALL(epoll_create, 254, sys_epoll_create);
SYSCALL(epoll_ctl, 255, sys_epoll_ctl);
SYSCALL(epoll_wait, 256, sys_epoll_wait);
SYSCALL(epoll_pwait, 319, sys_epoll_pwait);
SYSCALL(epoll_create1, 329, sys_epoll_create1);
SYSCALL(epoll_pwait2, 441, sys_epoll_pwait2);
}  // namespace
}  // namespace kernel
