// SPDX-License-Identifier: MIT
// One guest at the machine's own console: what `lodger run` and `lodger boot` start in domain 0.
//
//     serial line <-> domain 0's /dev/console <-> this program <-> the guest's console ring
//
// It does without xenconsoled and its terminal: two processes fewer for each byte.
#pragma once
#include <userland/common/frames.hpp>
#include <userland/toolstack/lifecycle.hpp>
#include <userland/xen/console_ring.hpp>
#include <userland/xen/event_channels.hpp>
#include <userland/xen/grants.hpp>

class Foreground {
public:
    // whole_frames: the guest sends frames (userland/common/frames.hpp); none of them is broken by others' messages.
    Foreground(GuestConfig config, bool whole_frames);
    // Until the guest has ended for good; a reboot begins it anew. Gives SHUTDOWN_*.
    std::uint32_t run();

private:
    void start();
    std::uint32_t pass();  // until it ends: why it did
    void take_output();
    void pass_on(std::span<std::uint8_t const>);
    void take_input();
    bool has_ended(std::uint32_t &reason);

    GuestConfig config_;
    bool whole_frames_;
    Toolstack tools_;
    xen::EventChannels events_;
    GuestIdentity who_{};
    // Of the running guest.
    xen::GrantedPage page_;
    std::optional<xen::ConsoleRing> ring_;
    evtchn_port_t port_ = 0;
    std::vector<std::uint8_t> held_;  // of a frame whose end is still to come
    bool input_open_ = true;
};
