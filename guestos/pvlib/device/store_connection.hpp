// SPDX-License-Identifier: MIT
// The connection with the xenstore daemon. One for the kernel; everything else goes through store.hpp.
//
//              page and port found                     rubbish, and the daemon offers a new start
//   absent ------------------------> ready <----------------------------------------> reconnecting
//      | domain 0                    ^   | rubbish
//      `--> waiting --- first event -'   `--> broken
//               ^ daemon_gone() from any state
#pragma once
#include <boost/intrusive/list.hpp>
#include <kernel/process/wait.hpp>
#include <pvlib/device/event_port.hpp>
#include <pvlib/device/store.hpp>
#include <pvlib/store_ring.hpp>
#include <span>

namespace xenbus {
class Connection {
public:
    // Error::nodev: no store page, no port. Does not sleep.
    Result<> start();
    bool ready() const { return state_ == State::ready; }
    std::uint32_t generation() const { return generation_; }
    Result<> wait_until_ready(kernel::Sleep, std::uint64_t deadline_ns);

    // Sends header.type, tx_id and the pieces one after the other (len is computed), waits for the reply. An XS_ERROR reply is a
    // reply. Error::io: the connection broke; Error::timedout.
    Result<Message> exchange(xsd_sockmsg header, std::span<std::string_view const> pieces);

    DaemonSide daemon_side() const;
    void daemon_gone();

private:
    enum class State { absent, waiting, ready, reconnecting, broken };
    struct Pending : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
        std::uint32_t id = 0, type = 0;
        bool done = false;
        Error error = Error::none;
        Message reply;
        kernel::WaitQueue answered;
    };
    Result<> start_local();
    Result<> start_as_guest();
    Result<> send(std::uint32_t generation, void const *, std::size_t);
    Result<> send_message(xsd_sockmsg const &, std::span<std::string_view const> pieces, Pending &);
    void become(State);
    void attach();
    void broke(char const *why);
    void fail_pending();
    void read_messages();
    void deliver(Message);
    void read_loop();
    void look_around();

    xenstore_domain_interface *page_ = nullptr;
    pv::EventPort port_;
    bool local_ = false;  // the daemon is a program of this domain
    State state_ = State::absent;
    std::uint32_t generation_ = 0, last_id_ = 0;
    StoreRing ring_;
    MessageReader reader_;
    kernel::Mutex sending_;
    boost::intrusive::list<Pending, boost::intrusive::constant_time_size<false>> pending_;
    bool event_ = false;         // the interrupt handler's word to the reading thread
    kernel::WaitQueue events_;   // the reading thread sleeps here
    kernel::WaitQueue changed_;  // state, or room in the ring
};
Connection &connection();

// watch.cpp: one event has come; the daemon is a new one.
void watch_fired(Message const &);
void register_watches();
Result<> start_watch_thread();
}  // namespace xenbus
