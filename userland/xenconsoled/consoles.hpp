// SPDX-License-Identifier: MIT
// All guests' consoles: which there are, by xenstore; their rings, by grants; their events; their terminals.
#pragma once
#include <map>
#include <memory>
#include <poll.h>
#include <set>
#include <userland/xen/event_channels.hpp>
#include <userland/xen/grants.hpp>
#include <userland/xen/hypervisor.hpp>
#include <userland/xen/store.hpp>
#include <userland/xenconsoled/guest_console.hpp>
#include <userland/xenconsoled/terminal.hpp>
#include <vector>

namespace console {
struct Options {
    std::string log_folder;  // "": no logs
    std::size_t log_bytes = 256 << 10;
};

class Consoles {
public:
    // On an error `where` is what it was about.
    static Result<std::unique_ptr<Consoles>> open(Options, std::string &where);
    // One round: waits for something to happen and does what is to be done. An error: xenstored has gone.
    Result<> round();

private:
    struct Guest {
        domid_t domain;
        evtchn_port_t remote_port, port;
        xen::GrantedPage page;
        Terminal terminal;
        GuestConsole console;
        int slot = -1;  // in fds_
    };
    Consoles(Options options, xen::Hypervisor hypervisor, xen::EventChannels events, xen::Store store)
        : options_{std::move(options)}, hypervisor_{std::move(hypervisor)}, events_{std::move(events)}, store_{std::move(
                                                                                                            store)}
    {
    }
    Result<> rescan();
    void add(domid_t);
    void remove(domid_t);
    bool is_running(domid_t);
    Result<xen::GrantedPage> map_page(domid_t, std::string const &home);
    LogFile log_for(domid_t, std::string const &home);
    int prepare();
    Result<> take();
    void step_all();
    std::uint64_t now_ms() const;

    Options options_;
    xen::Hypervisor hypervisor_;
    xen::EventChannels events_;
    xen::Store store_;
    Pace pace_;
    std::map<domid_t, std::unique_ptr<Guest>> guests_;
    std::set<domid_t> given_up_;  // their indices made no sense
    std::vector<pollfd> fds_;
};
}  // namespace console
