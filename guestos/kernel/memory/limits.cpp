// SPDX-License-Identifier: MIT
#include <kernel/fs/file.hpp>
#include <kernel/process/process.hpp>

namespace kernel {
std::uint32_t memory_limit(unsigned which)
{
    auto &thread = current();
    if (!thread.process)
        return ~0u;
    auto soft = thread.process->limits[which].soft;
    return soft > ~0u ? ~0u : static_cast<std::uint32_t>(soft);
}
}  // namespace kernel
