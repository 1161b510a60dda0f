// SPDX-License-Identifier: MIT
// /proc/net: unix sockets. What other families show appears with them.
#include <kernel/procfs/procfs.hpp>

namespace kernel {
namespace {
constexpr ProcEntry net_entries[] = {
    {.name = "unix", .mode = s_ifreg | 0444, .show = show_unix_sockets},
};
}  // namespace

std::span<ProcEntry const> proc_net_entries() { return net_entries; }
}  // namespace kernel
