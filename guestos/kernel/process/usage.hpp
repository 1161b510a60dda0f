// SPDX-License-Identifier: MIT
// Processor time and other counts of threads, processes and reaped children.
#pragma once
#include <abi/process.h>
#include <kernel/process/process.hpp>

namespace kernel {
struct CpuTimes {
    std::uint64_t user_ns, kernel_ns;
};
CpuTimes times_of(Thread &);
CpuTimes times_of(Process &);  // living and dead threads
abi_rusage usage_of_thread(Thread &);
abi_rusage usage_of_process(Process &);
abi_rusage usage_of_children(Process &);
abi_rusage usage_of_reaped(Process &);  // what wait4 reports: the child and its own reaped children
}  // namespace kernel
