// SPDX-License-Identifier: MIT
// The longer texts of /proc/N.
#pragma once
#include <cstring>
#include <kernel/procfs/procfs.hpp>

namespace kernel {
Result<> show_process_stat(Text &, ProcTarget const &);
Result<> show_statm(Text &, ProcTarget const &);
Result<> show_status(Text &, ProcTarget const &);
Result<> show_maps(Text &, ProcTarget const &);
Result<> show_smaps(Text &, ProcTarget const &);
Result<> show_smaps_rollup(Text &, ProcTarget const &);
Result<> show_auxv(Text &, ProcTarget const &);
Result<> show_children(Text &, ProcTarget const &);

char state_letter(Process &, Thread &, bool whole_process);  // R S D T Z
struct SignalSets {
    std::uint64_t ignored, caught;
};
SignalSets signal_dispositions(Process &);
}  // namespace kernel
