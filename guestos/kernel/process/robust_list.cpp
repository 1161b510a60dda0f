// SPDX-License-Identifier: MIT
// Robust futexes: a thread that dies while it holds locks marks them so that their next owner learns of it. The list is the
// program's and may be anything: it is bounded, and every access may fail. Linux, Documentation/locking/robust-futex-ABI.rst.
#include <abi/process.h>
#include <arch/user_copy.hpp>
#include <kernel/process/clone.hpp>
#include <kernel/process/futex.hpp>
#include <kernel/syscall/syscall.hpp>
#include <linux/futex.h>

namespace kernel {
namespace {
void owner_died(Thread &self, Vaddr word, bool pending_operation)
{
    if (word.raw() & 3)
        return;
    auto value = UserPtr<std::uint32_t>{word.raw()}.read();
    while (value.ok()) {
        std::uint32_t old = value.value(), seen;
        // Unlocked already, but the waiters were not woken yet.
        if (pending_operation && old == 0) {
            wake_futex(word, 1);
            return;
        }
        if ((old & FUTEX_TID_MASK) != static_cast<std::uint32_t>(self.tid))
            return;
        if (!arch::compare_exchange_user(word, old, (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED, seen))
            return;
        if (seen == old) {
            if (old & FUTEX_WAITERS)
                wake_futex(word, 1);
            return;
        }
        value = seen;
    }
}
}  // namespace

void leave_robust_list(Thread &self)
{
    Vaddr list = std::exchange(self.robust_list, Vaddr{});
    if (list.raw() == 0)
        return;
    auto read = UserPtr<abi_robust_list_head>{list.raw()}.read();
    if (!read.ok())
        return;
    auto head = read.value();
    auto word_of = [&](std::uint32_t entry) { return Vaddr{(entry & ~1u) + head.futex_offset}; };  // bit 0: PI
    std::uint32_t entry = head.next & ~1u, pending = head.list_op_pending & ~1u;
    for (unsigned n = 0; n < ROBUST_LIST_LIMIT && entry != list.raw(); ++n) {
        auto next = UserPtr<std::uint32_t>{entry}.read();
        if (entry != pending)
            owner_died(self, word_of(entry), false);
        if (!next.ok())
            return;
        entry = next.value() & ~1u;
    }
    if (pending)
        owner_died(self, word_of(pending), true);
}

namespace {
Result<> sys_set_robust_list(std::uint32_t head, std::uint32_t bytes)
{
    if (bytes != sizeof(abi_robust_list_head))
        return Error::inval;
    current().robust_list = Vaddr{head};
    current().robust_list_bytes = bytes;
    return {};
}
SYSCALL(set_robust_list, 311, sys_set_robust_list);

Result<> sys_get_robust_list(Pid tid, UserPtr<std::uint32_t> head, UserPtr<std::uint32_t> bytes)
{
    auto t = tid == 0 ? Ref<Thread>{&current()} : find_thread(tid);
    if (!t || !t->process)
        return Error::srch;
    constexpr unsigned cap_sys_ptrace = 19;
    auto const &mine = current().credentials;
    if (t->process != current().process && mine.euid != t->credentials.uid && !mine.has_cap(cap_sys_ptrace))
        return Error::perm;
    TRY(bytes.write(sizeof(abi_robust_list_head)));
    return head.write(t->robust_list.raw());
}
SYSCALL(get_robust_list, 312, sys_get_robust_list);
}  // namespace
}  // namespace kernel
