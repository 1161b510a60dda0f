// SPDX-License-Identifier: MIT
// select(2), pselect(2): three bit sets, turned into a list of files and back.
#include <kernel/fs/fd_table.hpp>
#include <kernel/ipc/poll_wait.hpp>
#include <kernel/ipc/signal_mask_argument.hpp>
#include <kernel/syscall/syscall.hpp>
#include <kernel/time/clock.hpp>
#include <linux/poll.h>

namespace kernel {
namespace {
// What each of the sets asks for, and what each condition shows up as.
constexpr unsigned readable = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR;
constexpr unsigned writable = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR;
constexpr unsigned exceptional = POLLPRI;
constexpr unsigned conditions[3] = {readable, writable, exceptional};

struct Sets {
    static constexpr unsigned words = FdTable::max_descriptors / 32;
    std::uint32_t bits[3][words] = {};
    std::uint32_t any(unsigned word) const { return bits[0][word] | bits[1][word] | bits[2][word]; }
};

class Select {
public:
    Result<> load(std::int32_t n, UserPtr<std::uint32_t> const (&sets)[3]);
    Result<unsigned> wait(std::uint64_t deadline_ns);
    Result<> store(UserPtr<std::uint32_t> const (&sets)[3]);

private:
    Result<> open_files();
    unsigned answer();
    unsigned words() const { return (limit_ + 31) / 32; }
    struct AskedAndAnswered {
        Sets asked, answered;
    };
    std::unique_ptr<AskedAndAnswered> sets_;
    std::unique_ptr<PolledFile[]> files_;  // of the descriptors that are in any of the sets, in ascending order
    unsigned limit_ = 0, count_ = 0;
};

Result<> Select::load(std::int32_t n, UserPtr<std::uint32_t> const (&sets)[3])
{
    if (n < 0)
        return Error::inval;
    limit_ = n > FdTable::max_descriptors ? FdTable::max_descriptors : static_cast<unsigned>(n);
    sets_.reset(new (std::nothrow) AskedAndAnswered);
    if (!sets_)
        return Error::nomem;
    for (unsigned s = 0; s < 3; ++s) {
        auto &bits = sets_->asked.bits[s];
        if (sets[s])
            TRY(copy_in(bits, sets[s].address(), words() * sizeof bits[0]));
        if (limit_ % 32)
            bits[limit_ / 32] &= (1u << limit_ % 32) - 1;
    }
    return open_files();
}

Result<> Select::open_files()
{
    Sets const &asked = sets_->asked;
    unsigned most = 0;
    for (unsigned word = 0; word < words(); ++word)
        most += asked.any(word) ? 32 : 0;
    files_.reset(new (std::nothrow) PolledFile[most + 1]);
    if (!files_)
        return Error::nomem;
    auto &table = *current().files;
    for (unsigned word = 0; word < words(); ++word) {
        std::uint32_t in = asked.bits[0][word], out = asked.bits[1][word], except = asked.bits[2][word];
        for (std::uint32_t left = asked.any(word); left; left &= left - 1) {
            std::uint32_t bit = left & -left;
            auto &f = files_[count_];
            f.file = TRY(table.get(static_cast<int>(word * 32) + __builtin_ctz(left)));
            f.wanted = (in & bit ? readable : 0) | (out & bit ? writable : 0) | (except & bit ? exceptional : 0);
            ++count_;
        }
    }
    return {};
}

// Sets the bits that the files' conditions show up as, and says how many.
unsigned Select::answer()
{
    unsigned total = 0;
    auto const *f = &files_[0];
    for (unsigned word = 0; word < words(); ++word) {
        std::uint32_t ready[3] = {};
        for (std::uint32_t left = sets_->asked.any(word); left; left &= left - 1, ++f)
            for (unsigned s = 0; s < 3 && f->got; ++s)
                ready[s] |= f->got & conditions[s] ? left & -left : 0;
        for (unsigned s = 0; s < 3; ++s) {
            sets_->answered.bits[s][word] = ready[s] & sets_->asked.bits[s][word];
            total += static_cast<unsigned>(__builtin_popcount(sets_->answered.bits[s][word]));
        }
    }
    return total;
}

// The number of bits that are set.
Result<unsigned> Select::wait(std::uint64_t deadline_ns)
{
    // A file may have something (POLLHUP) that none of its sets shows: then the wait goes on.
    for (;;) {
        auto ready = poll_files(files_.get(), count_, deadline_ns);
        if (!ready.ok() || !ready.value())
            return ready;
        if (unsigned bits = answer())
            return bits;
        for (unsigned i = 0; i < count_; ++i)
            if (files_[i].got)
                files_[i].file = nullptr;
    }
}

Result<> Select::store(UserPtr<std::uint32_t> const (&sets)[3])
{
    for (unsigned s = 0; s < 3; ++s) {
        auto &bits = sets_->answered.bits[s];
        if (sets[s])
            TRY(copy_out(sets[s].address(), bits, words() * sizeof bits[0]));
    }
    return {};
}

using Set = UserPtr<std::uint32_t>;

Result<unsigned> select_until(std::int32_t n, Set in, Set out, Set except, std::uint64_t deadline_ns)
{
    Set const sets[3] = {in, out, except};
    Select select;
    TRY(select.load(n, sets));
    auto ready = select.wait(deadline_ns);
    if (ready.ok())
        TRY(select.store(sets));
    return ready;
}

Result<std::int32_t> finish(Result<unsigned> const &ready)
{
    if (ready.ok())
        return static_cast<std::int32_t>(ready.value());
    return ready.error() == Error::restart_sys ? Error::restart_nohand : ready.error();
}

Result<std::int32_t> sys_select(std::int32_t n, Set in, Set out, Set except, UserPtr<abi_timeval32> timeout)
{
    std::uint64_t deadline = arch::no_deadline;
    if (timeout) {
        auto t = TRY(timeout.read());
        if (t.tv_sec < 0 || t.tv_usec < 0)
            return Error::inval;
        auto ns = seconds_and_ns(t.tv_sec, std::int64_t{t.tv_usec} * 1000);  // tv_usec may exceed a second here
        deadline = ns ? deadline_after(ns) : 0;
    }
    auto ready = select_until(n, in, out, except, deadline);
    if (timeout && deadline)
        (void)timeout.write(to_timeval(time_left(deadline)));
    return finish(ready);
}

struct OldSelectArguments {  // select(2) of number 82 gets them by address
    std::int32_t n;
    std::uint32_t in, out, except, timeout;
};
Result<std::int32_t> sys_old_select(UserPtr<OldSelectArguments> from)
{
    auto a = TRY(from.read());
    return sys_select(a.n, Set{a.in}, Set{a.out}, Set{a.except}, UserPtr<abi_timeval32>{a.timeout});
}

struct MaskArgument {
    std::uint32_t mask, bytes;
};
template <class TimeSpec>
Result<std::int32_t> pselect6(std::int32_t n, Set in, Set out, Set except, UserPtr<TimeSpec> timeout,
                              UserPtr<MaskArgument> mask_argument)
{
    std::uint64_t deadline = arch::no_deadline;
    if (timeout) {
        auto ns = TRY(to_ns(TRY(timeout.read())));
        deadline = ns ? deadline_after(ns) : 0;
    }
    MaskArgument mask{};
    if (mask_argument)
        mask = TRY(mask_argument.read());
    TRY(replace_signal_mask(UserPtr<SignalSet>{mask.mask}, mask.bytes));
    auto ready = select_until(n, in, out, except, deadline);
    if (mask.mask)
        settle_signal_mask(ready.error());
    if (timeout && deadline)
        (void)timeout.write(to_timespec<TimeSpec>(time_left(deadline)));
    return finish(ready);
}

SYSCALL(select, 82, sys_old_select);
SYSCALL(_newselect, 142, sys_select);
SYSCALL(pselect6, 308, pselect6<abi_timespec32>);
SYSCALL(pselect6_time64, 413, pselect6<abi_timespec64>);
}  // namespace
}  // namespace kernel
