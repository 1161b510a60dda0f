// SPDX-License-Identifier: MIT
// What clone(2), clone3(2), fork(2) and vfork(2) have in common.
#pragma once
#include <kernel/memory/user.hpp>
#include <kernel/process/process.hpp>

namespace kernel {
struct CloneRequest {
    std::uint64_t flags = 0;  // CLONE_*
    int exit_signal = 0;
    Vaddr stack_top{};  // 0: the caller's
    UserPtr<std::int32_t> parent_tid, child_tid;
    std::uint32_t tls = 0;  // struct user_desc *
    Pid wanted_tid = 0;     // clone3's set_tid
};
Result<std::int32_t> clone_thread(TrapFrame const &, CloneRequest const &);
void end_vfork(Process &);  // at exec and exit: the parent goes on

Result<> set_tls_slot(Thread &, UserPtr<struct abi_user_desc>, bool choose_slot);  // tls.cpp
void leave_robust_list(Thread &);  // robust_list.cpp: at exit, for futexes that the thread still holds
}  // namespace kernel
