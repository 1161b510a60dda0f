// SPDX-License-Identifier: MIT
// The longer texts of /proc itself.
#pragma once
#include <kernel/procfs/procfs.hpp>

namespace kernel {
Result<> show_cpuinfo(Text &, ProcTarget const &);
Result<> show_meminfo(Text &, ProcTarget const &);
Result<> show_vmstat(Text &, ProcTarget const &);
Result<> show_stat(Text &, ProcTarget const &);
Result<> show_uptime(Text &, ProcTarget const &);
Result<> show_loadavg(Text &, ProcTarget const &);
Result<> show_version(Text &, ProcTarget const &);
Result<> show_interrupts(Text &, ProcTarget const &);
}  // namespace kernel
