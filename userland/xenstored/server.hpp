// SPDX-License-Identifier: MIT
// The loop: waits for sockets and event channels, serves everybody in turn, one request each.
#pragma once
#include <memory>
#include <userland/xenstored/domains.hpp>
#include <userland/xenstored/log.hpp>
#include <userland/xenstored/sockets.hpp>
#include <userland/xenstored/xen_machine.hpp>

namespace xenstore {
class Server {
public:
    // Without a machine (`xen` null) it serves programs only.
    Server(Limits limits, std::unique_ptr<XenMachine> xen);

    Log &log() { return log_; }
    Sockets &sockets() { return sockets_; }
    // The usual first nodes, and our own kernel as a client, if it wants to be one.
    void begin();
    [[noreturn]] void run();

private:
    void wait(bool at_once);
    void take_events();

    Log log_;
    Store store_;
    std::unique_ptr<XenMachine> xen_;
    std::unique_ptr<Machine> none_;
    Domains domains_;
    Sockets sockets_;
    std::vector<pollfd> fds_;
};
}  // namespace xenstore
