// SPDX-License-Identifier: MIT
// The signal mask that ppoll(2), pselect(2) and epoll_pwait(2) put in place while they wait.
#pragma once
#include <kernel/process/process.hpp>

namespace kernel {
// Null: nothing. Error::inval: not 8 bytes.
inline Result<> replace_signal_mask(UserPtr<SignalSet> mask, std::uint32_t mask_bytes)
{
    if (!mask)
        return {};
    if (mask_bytes != sizeof(SignalSet))
        return Error::inval;
    set_signal_mask_until_return(TRY(mask.read()));
    return {};
}

// After the wait: unless a signal ended it, whose handler runs first, the old mask comes back now.
inline void settle_signal_mask(Error how_it_ended)
{
    if (how_it_ended != Error::restart_sys)
        restore_signal_mask();
}

inline std::uint64_t time_left(std::uint64_t deadline_ns)
{
    auto now = arch::now_ns();
    return deadline_ns > now ? deadline_ns - now : 0;
}
}  // namespace kernel
