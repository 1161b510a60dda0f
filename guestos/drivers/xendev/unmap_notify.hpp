// SPDX-License-Identifier: MIT
// What a program wants to happen when shared pages go, however they go: a byte in them cleared, an event sent. gntdev and gntalloc.
#pragma once
#include <lib/result.hpp>
#include <pv/sys/gntdev.h>
#include <pvlib/device/event_port.hpp>

namespace xendev {
struct UnmapNotify {
    std::uint32_t action = 0;  // UNMAP_NOTIFY_*
    std::uint32_t offset = 0;  // of the byte, from the first page on
    pv::Port port = 0;

    // Of an ioctl's argument; `offset` and `bytes` are of the pages it speaks of. Error::inval.
    static Result<UnmapNotify> make(std::uint32_t action, std::uint64_t offset, std::uint64_t bytes, pv::Port port)
    {
        if (action & ~(UNMAP_NOTIFY_CLEAR_BYTE | UNMAP_NOTIFY_SEND_EVENT) || offset >= bytes)
            return Error::inval;
        return UnmapNotify{action, static_cast<std::uint32_t>(offset), port};
    }
    bool clears() const { return (action & UNMAP_NOTIFY_CLEAR_BYTE) != 0; }
    void send() const
    {
        if (action & UNMAP_NOTIFY_SEND_EVENT)
            (void)pv::notify(port);
    }
};
}  // namespace xendev
