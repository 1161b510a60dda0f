// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cerrno>
#include <unistd.h>
#include <userland/xenconsoled/guest_console.hpp>

namespace console {
// One transfer: as much as the ring holds. True: something was taken.
Result<bool> GuestConsole::take_output(Pace &pace, std::uint64_t now_ms)
{
    if (!due_ || transfers_ >= pace.share())
        return false;
    char bytes[xen::ConsoleRing::out_bytes];
    auto room = std::min(backlog_.room(now_ms), sizeof bytes);
    if (room == 0)
        return false;
    auto n = TRY(ring_.take({bytes, room}));
    due_ = n == room;
    if (n == 0)
        return false;
    if (transfers_++ == 0)
        pace.note_active();
    log_.write({bytes, n});
    backlog_.add({bytes, n});
    return true;
}

bool GuestConsole::write_terminal(std::uint64_t now_ms)
{
    if (!writable_ || backlog_.empty())
        return false;
    auto text = backlog_.text();
    auto n = write(terminal_, text.data(), text.size());
    writable_ = n == static_cast<ssize_t>(text.size());
    if (n > 0)
        backlog_.took(static_cast<std::size_t>(n), now_ms);
    return n > 0;
}

// No more is read from the terminal than the guest has room for: who types faster waits at the terminal.
Result<bool> GuestConsole::take_input()
{
    if (!readable_)
        return false;
    char bytes[xen::ConsoleRing::in_bytes];
    auto room = TRY(ring_.room());
    readable_ = false;
    if (room == 0)
        return false;
    auto n = read(terminal_, bytes, room);
    if (n <= 0)
        return false;
    ring_.give({bytes, static_cast<std::size_t>(n)});
    return true;
}

Result<bool> GuestConsole::step(Pace &pace, std::uint64_t now_ms)
{
    bool moved = TRY(take_input());
    for (bool more = true; more;) {
        more = TRY(take_output(pace, now_ms));
        moved = moved || more;
        more = write_terminal(now_ms) || more;
    }
    return moved;
}

void GuestConsole::drain(std::uint64_t now_ms)
{
    Pace none;
    transfers_ = 0;
    due_ = true;
    (void)step(none, now_ms).ok();
}
}  // namespace console
