// SPDX-License-Identifier: MIT
// One guest's console:
//
//     ring --out--> log file
//             \---> backlog --> terminal --typed--> ring
#pragma once
#include <userland/xen/console_ring.hpp>
#include <userland/xenconsoled/backlog.hpp>
#include <userland/xenconsoled/log_file.hpp>
#include <userland/xenconsoled/pace.hpp>

namespace console {
class GuestConsole {
public:
    GuestConsole(xencons_interface *page, int terminal, LogFile log)
        : ring_{page}, terminal_{terminal}, log_{std::move(log)}
    {
    }

    // The guest has said that it wrote, or read. Everything else follows from step().
    void on_event() { due_ = true; }
    // The terminal can be read, or written.
    void on_terminal(bool readable, bool writable)
    {
        readable_ = readable_ || readable;
        writable_ = writable_ || writable;
    }
    // A new period: its share of transfers begins anew.
    void on_period() { transfers_ = 0; }

    // Moves what can be moved. True: something was, so the guest has to be told. Error::proto: the guest's indices make no sense;
    // the console is to be given up.
    Result<bool> step(Pace &, std::uint64_t now_ms);
    // The guest has ended: its last words, whatever the pace.
    void drain(std::uint64_t now_ms);

    // What to wait for at the terminal: there is room in the ring, there is text for it.
    bool wants_input() const { return ring_.room().value_or(0) != 0; }
    bool has_output() const { return !backlog_.empty(); }
    bool waits_for_period(Pace const &pace) const { return due_ && transfers_ >= pace.share(); }
    bool waits_for_terminal() const { return due_ && !backlog_.empty(); }

private:
    Result<bool> take_output(Pace &, std::uint64_t now_ms);
    bool write_terminal(std::uint64_t now_ms);
    Result<bool> take_input();

    xen::ConsoleRing ring_;
    int terminal_;
    LogFile log_;
    Backlog backlog_;
    bool due_ = true, readable_ = false, writable_ = true;
    unsigned transfers_ = 0;
};
}  // namespace console
