// SPDX-License-Identifier: MIT
// The domains that the daemon talks to, each over its ring.
//
//     introduce --> served --(its indices or lengths are nonsense)--> cut off --(it asks to reconnect)--> served
//         release, or the domain's end ---> forgotten, with all that it owned
#pragma once
#include <memory>
#include <userland/xenstored/machine.hpp>
#include <userland/xenstored/ring.hpp>

namespace xenstore {
class Domains {
public:
    Domains(Store &store, Machine &machine, Log &log);
    ~Domains();
    Domains(Domains const &) = delete;
    Domains &operator=(Domains const &) = delete;

    // Starts to serve a domain, or binds a new port of a domain that is served already. Errors: of the machine; inval: there is no such
    // domain, or it was introduced with another page.
    Result<> introduce(domid_t, std::uint32_t frame, evtchn_port_t theirs);
    // These four: Error::noent: that domain was not introduced.
    Result<> release(domid_t);
    Result<> resume(domid_t);  // its next shutdown is told again
    Result<> set_target(domid_t, domid_t target);
    bool introduced(domid_t domain) const { return domains_.contains(domain); }
    std::size_t size() const { return domains_.size(); }

    // A commit of `victim` failed for what `culprit` had written. A domain whose writes make others start again is served
    // more and more slowly, so that the others come to an end: 2 ms after the first time, 1 s at most.
    void hold_back(domid_t culprit, Identity victim);

    void on_event(evtchn_port_t ours);
    void on_domain_ended();  // VIRQ_DOM_EXC: which one is to be found out
    // Serves each domain that may have something to say, one request each. True: there may be more at once.
    bool serve();
    // Until somebody who is held back may be served again, in milliseconds; -1: nobody is.
    int wait_ms() const;

private:
    struct Domain {
        Domain(Domains &, domid_t, xenstore_domain_interface *, std::uint32_t frame, evtchn_port_t ours);
        Machine &machine;
        domid_t number;
        xenstore_domain_interface *page;
        std::uint32_t frame;
        evtchn_port_t port;  // ours
        Ring ring;
        Connection connection;
        bool ready = true, cut_off = false, shut_down = false;
        unsigned conflicts = 0;
        std::uint64_t last_conflict_ms = 0, held_until_ms = 0;
        ~Domain();
    };
    using Entries = std::map<domid_t, std::unique_ptr<Domain>>;

    Domain *find(domid_t);
    Entries::iterator end(Entries::iterator);
    bool serve_one(Domain &);
    void cut_off(Domain &, Error);

    Store &store_;
    Machine &machine_;
    Log &log_;
    Entries domains_;
};
}  // namespace xenstore
