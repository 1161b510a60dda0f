// SPDX-License-Identifier: MIT
// timerfd_create(2): a timer whose expirations are read.
#include <asm/ioctls.h>
#include <kernel/fs/fd_table.hpp>
#include <kernel/ipc/anonymous.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>
#include <kernel/time/clock.hpp>
#include <lib/format.hpp>
#include <linux/poll.h>

namespace kernel {
namespace {
constexpr unsigned tfd_nonblock = 04000, tfd_cloexec = 02000000, o_rdwr = 2;
constexpr std::uint32_t tfd_timer_abstime = 1, tfd_timer_cancel_on_set = 2;

struct TimerSetting {
    std::uint64_t interval_ns = 0, value_ns = 0;
};

class TimerFile final : public File {
public:
    TimerFile(std::int32_t clock, unsigned open_flags) : File{open_flags}, clock_{clock} {}
    Result<std::size_t> read(IoBuffer &, std::uint64_t &) override;
    unsigned poll(PollTable *table) override
    {
        if (table)
            table->add(expired_);
        return expirations_ ? POLLIN | POLLRDNORM : 0;
    }
    void describe(char *out, std::size_t size) override { format(out, size, "anon_inode:[timerfd]"); }
    void set(TimerSetting const &, bool absolute);
    TimerSetting get() const;
    static TimerFile *of(File &f) { return f.anonymous_kind() == kind ? static_cast<TimerFile *>(&f) : nullptr; }
    static constexpr char kind[] = "timerfd";
    char const *anonymous_kind() const override { return kind; }

private:
    static void fire(Timer &t) { static_cast<TimerFile *>(t.context)->expire(); }
    void expire();
    std::int32_t const clock_;
    Timer timer_{fire, this};
    std::uint64_t interval_ = 0, expirations_ = 0;
    WaitQueue expired_;
};

void TimerFile::expire()  // in interrupt context
{
    std::uint64_t count = 1, due = timer_.deadline();
    if (interval_) {
        auto now = arch::now_ns();
        if (now > due)
            count += (now - due) / interval_;
        timer_.arm(due + count * interval_);
    }
    expirations_ += count;
    expired_.wake_all();
}

void TimerFile::set(TimerSetting const &to, bool absolute)
{
    arch::IrqGuard guard;
    timer_.cancel();
    expirations_ = 0;
    interval_ = to.interval_ns;
    if (!to.value_ns)
        return;
    if (absolute)
        timer_.arm(is_realtime(clock_) ? monotonic_of_realtime(to.value_ns) : to.value_ns);
    else
        timer_.arm(deadline_after(to.value_ns));
}

TimerSetting TimerFile::get() const
{
    arch::IrqGuard guard;
    if (!timer_.armed())
        return {interval_, 0};
    auto now = arch::now_ns();
    return {interval_, timer_.deadline() > now ? timer_.deadline() - now : 1};
}

Result<std::size_t> TimerFile::read(IoBuffer &to, std::uint64_t &)
{
    std::uint64_t count = 0;
    if (to.left() < sizeof count)
        return Error::inval;
    if (!expirations_) {
        if (nonblocking())
            return Error::again;
        TRY(wait_until(expired_, [this] { return expirations_ != 0; }));
    }
    {
        arch::IrqGuard guard;
        count = std::exchange(expirations_, std::uint64_t{0});
    }
    return to.put(&count, sizeof count);
}

struct TimerHandle {
    Ref<File> file;
    TimerFile *timer;
};
Result<TimerHandle> timer_of(int fd)
{
    auto file = TRY(current().files->get(fd));
    auto timer = TimerFile::of(*file);
    if (!timer)
        return Error::inval;
    return TimerHandle{file, timer};
}

template <class Spec>
Spec to_spec(TimerSetting const &s)
{
    Spec spec{};
    spec.it_interval = to_timespec<decltype(spec.it_interval)>(s.interval_ns);
    spec.it_value = to_timespec<decltype(spec.it_value)>(s.value_ns);
    return spec;
}

Result<std::int32_t> sys_timerfd_create(std::int32_t clock, unsigned flags)
{
    if (flags & ~(tfd_nonblock | tfd_cloexec))
        return Error::inval;
    if (!is_realtime(clock) && !is_monotonic(clock))
        return Error::inval;
    return install_anonymous(Ref<File>{TRY(make_ref<TimerFile>(clock, o_rdwr | (flags & tfd_nonblock)))}, flags);
}

template <class Spec>
Result<> timerfd_settime(int fd, std::uint32_t flags, UserPtr<Spec> in, UserPtr<Spec> old)
{
    if (flags & ~(tfd_timer_abstime | tfd_timer_cancel_on_set))
        return Error::inval;
    auto spec = TRY(in.read());
    TimerSetting wanted{TRY(to_ns(spec.it_interval)), TRY(to_ns(spec.it_value))};
    auto handle = TRY(timer_of(fd));
    auto before = handle.timer->get();
    handle.timer->set(wanted, (flags & tfd_timer_abstime) != 0);
    if (old)
        TRY(old.write(to_spec<Spec>(before)));
    return {};
}

template <class Spec>
Result<> timerfd_gettime(int fd, UserPtr<Spec> out)
{
    auto handle = TRY(timer_of(fd));
    return out.write(to_spec<Spec>(handle.timer->get()));
}

SYSCALL(timerfd_create, 322, sys_timerfd_create);
SYSCALL(timerfd_settime, 325, timerfd_settime<abi_itimerspec32>);
SYSCALL(timerfd_gettime, 326, timerfd_gettime<abi_itimerspec32>);
SYSCALL(timerfd_gettime64, 410, timerfd_gettime<abi_itimerspec64>);
SYSCALL(timerfd_settime64, 411, timerfd_settime<abi_itimerspec64>);
}  // namespace
}  // namespace kernel
