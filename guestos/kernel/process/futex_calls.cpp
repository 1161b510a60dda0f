// SPDX-License-Identifier: MIT
// The system calls of futex(2). The priority-inheriting operations are not here: Error::nosys, as on a kernel built without.
#include <arch/user_copy.hpp>
#include <kernel/process/futex.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>
#include <kernel/time/clock.hpp>
#include <linux/futex.h>

namespace kernel {
namespace {
using Word = UserPtr<std::uint32_t>;

struct FutexCall {
    Word word;
    std::uint32_t value;
    std::uint32_t timeout_or_value2;
    Word word2;
    std::uint32_t value3;
    bool is_private;
};

Result<std::int32_t> wait_on(Word word, bool is_private, std::uint32_t expected, std::uint64_t deadline,
                             std::uint32_t bitset);

// arguments: word, private, expected, bitset
Result<std::int32_t> resume_wait(RestartBlock &b)
{
    return wait_on(Word{b.argument[0]}, b.argument[1] != 0, b.argument[2], b.deadline_ns, b.argument[3]);
}

Result<std::int32_t> wait_on(Word word, bool is_private, std::uint32_t expected, std::uint64_t deadline,
                             std::uint32_t bitset)
{
    if (bitset == 0)
        return Error::inval;
    FutexWaiter waiter;
    waiter.key = TRY(futex_key(word.address(), is_private));
    waiter.bitset = bitset;
    // On the list before the word is read: a wake between reading and sleeping finds us.
    futex_table().add(waiter);
    auto seen = TRY(word.read());
    if (!waiter.woken && seen != expected)
        return Error::again;
    auto slept = wait_until(
        waiter.queue, [&] { return waiter.woken; }, Sleep::interruptible, deadline);
    if (slept.ok())
        return 0;
    if (slept.error() != Error::restart_sys || deadline == arch::no_deadline)
        return slept.error();
    current().restart_block = {resume_wait, {word.address().raw(), is_private, expected, bitset}, deadline};
    return Error::restart_block;
}

// futex(2), FUTEX_WAKE_OP: op in bits 28-31 (bit 31: shift the operand), comparison in 24-27, operand and value to compare 12 bits each.
struct WakeOp {
    unsigned op, comparison;
    std::int32_t operand, compared;
    explicit WakeOp(std::uint32_t encoded)
        : op{encoded >> 28 & 7}, comparison{encoded >> 24 & 15}, operand{static_cast<std::int32_t>(encoded << 8) >> 20},
          compared{static_cast<std::int32_t>(encoded << 20) >> 20}
    {
        if (encoded >> 31)
            operand = 1 << (operand & 31);
    }
    Result<std::uint32_t> apply(std::uint32_t old) const
    {
        auto x = static_cast<std::uint32_t>(operand);
        switch (op) {
        case FUTEX_OP_SET: return x;
        case FUTEX_OP_ADD: return old + x;
        case FUTEX_OP_OR: return old | x;
        case FUTEX_OP_ANDN: return old & ~x;
        case FUTEX_OP_XOR: return old ^ x;
        }
        return Error::nosys;
    }
    Result<bool> holds(std::uint32_t old) const
    {
        auto o = static_cast<std::int32_t>(old);
        switch (comparison) {
        case FUTEX_OP_CMP_EQ: return o == compared;
        case FUTEX_OP_CMP_NE: return o != compared;
        case FUTEX_OP_CMP_LT: return o < compared;
        case FUTEX_OP_CMP_LE: return o <= compared;
        case FUTEX_OP_CMP_GT: return o > compared;
        case FUTEX_OP_CMP_GE: return o >= compared;
        }
        return Error::nosys;
    }
};

Result<std::int32_t> wake_op(FutexCall const &c)
{
    WakeOp op{c.value3};
    auto key = TRY(futex_key(c.word.address(), c.is_private));
    auto key2 = TRY(futex_key(c.word2.address(), c.is_private));
    auto old = TRY(c.word2.read());
    for (;;) {
        std::uint32_t seen, wanted = TRY(op.apply(old));
        if (!arch::compare_exchange_user(c.word2.address(), old, wanted, seen))
            return Error::fault;
        if (seen == old)
            break;
        old = seen;
    }
    bool second_too = TRY(op.holds(old));
    auto woken = futex_table().wake(key, c.value);
    if (second_too)
        woken += futex_table().wake(key2, c.timeout_or_value2);
    return static_cast<std::int32_t>(woken);
}

Result<std::int32_t> requeue(FutexCall const &c, bool compare)
{
    if (static_cast<std::int32_t>(c.value) < 0 || static_cast<std::int32_t>(c.timeout_or_value2) < 0)
        return Error::inval;
    auto key = TRY(futex_key(c.word.address(), c.is_private));
    auto key2 = TRY(futex_key(c.word2.address(), c.is_private));
    if (compare && TRY(c.word.read()) != c.value3)
        return Error::again;
    unsigned moved;
    auto woken = futex_table().requeue(key, key2, c.value, c.timeout_or_value2, moved);
    return static_cast<std::int32_t>(compare ? woken + moved : woken);
}

template <class TimeSpec>
Result<std::uint64_t> deadline_of(int command, bool real_time, UserPtr<TimeSpec> timeout)
{
    if (!timeout)
        return arch::no_deadline;
    auto ns = TRY(to_ns(TRY(timeout.read())));
    if (command == FUTEX_WAIT)
        return deadline_after(ns);
    return real_time ? monotonic_of_realtime(ns) : ns;
}

template <class TimeSpec>
Result<std::int32_t> futex(Word word, int operation, std::uint32_t value, std::uint32_t timeout, std::uint32_t word2,
                           std::uint32_t value3)
{
    int command = operation & FUTEX_CMD_MASK;
    FutexCall c{word, value, timeout, Word{word2}, value3, (operation & FUTEX_PRIVATE_FLAG) != 0};
    bool real_time = (operation & FUTEX_CLOCK_REALTIME) != 0;
    if (real_time && command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET)
        return Error::nosys;
    switch (command) {
    case FUTEX_WAIT: value3 = ~0u; [[fallthrough]];
    case FUTEX_WAIT_BITSET: {
        auto deadline = TRY(deadline_of(command, real_time, UserPtr<TimeSpec>{timeout}));
        return wait_on(word, c.is_private, value, deadline, value3);
    }
    case FUTEX_WAKE: value3 = ~0u; [[fallthrough]];
    case FUTEX_WAKE_BITSET:
        if (value3 == 0)
            return Error::inval;
        return static_cast<std::int32_t>(futex_table().wake(TRY(futex_key(word.address(), c.is_private)), value, value3));
    case FUTEX_REQUEUE: return requeue(c, false);
    case FUTEX_CMP_REQUEUE: return requeue(c, true);
    case FUTEX_WAKE_OP: return wake_op(c);
    }
    return Error::nosys;
}

Result<std::int32_t> sys_futex(Word word, int operation, std::uint32_t value, std::uint32_t timeout,
                               std::uint32_t word2, std::uint32_t value3)
{
    return futex<abi_timespec32>(word, operation, value, timeout, word2, value3);
}
SYSCALL(futex, 240, sys_futex);

Result<std::int32_t> sys_futex_time64(Word word, int operation, std::uint32_t value, std::uint32_t timeout,
                                      std::uint32_t word2, std::uint32_t value3)
{
    return futex<abi_timespec64>(word, operation, value, timeout, word2, value3);
}
SYSCALL(futex_time64, 422, sys_futex_time64);
}  // namespace
}  // namespace kernel
