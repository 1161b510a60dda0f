// SPDX-License-Identifier: MIT
// Kinds of communication that programs try and go on without: POSIX message queues, asynchronous I/O, io_uring's other calls.
#include <kernel/syscall/syscall.hpp>

namespace kernel {
namespace {
Result<> absent() { return Error::nosys; }
SYSCALL(io_setup, 245, absent);
SYSCALL(io_destroy, 246, absent);
SYSCALL(io_getevents, 247, absent);
SYSCALL(io_submit, 248, absent);
SYSCALL(io_cancel, 249, absent);
SYSCALL(mq_open, 277, absent);
SYSCALL(mq_unlink, 278, absent);
SYSCALL(mq_timedsend, 279, absent);
SYSCALL(mq_timedreceive, 280, absent);
SYSCALL(mq_notify, 281, absent);
SYSCALL(mq_getsetattr, 282, absent);
SYSCALL(io_uring_enter, 426, absent);
SYSCALL(io_uring_register, 427, absent);
}  // namespace
}  // namespace kernel
