// SPDX-License-Identifier: MIT
// A client of xenstored, over its socket. Requests wait for their reply; watch events that come meanwhile are kept.
#pragma once
#include <deque>
#include <lib/result.hpp>
#include <optional>
#include <pv/io/xs_wire.h>
#include <string>
#include <string_view>
#include <userland/common/fd.hpp>
#include <vector>

namespace xen {
class Store {
public:
    // $XENSTORED_PATH, or "socket" in $XENSTORED_RUNDIR, or /run/xenstored/socket.
    static Result<Store> connect();

    struct Event {
        std::string path, token;
    };

    // Errors are those that the daemon replies, or of the connection.
    Result<std::string> read(std::string const &path);
    Result<std::vector<std::string>> directory(std::string const &path);
    Result<> write(std::string const &path, std::string_view value);
    Result<> make_directory(std::string const &path);
    Result<> remove(std::string const &path);
    // "n5|r0|": the protocol's letters and numbers, '|' for NUL.
    Result<> set_permissions(std::string const &path, std::string_view permissions);
    Result<> watch(std::string const &path, std::string const &token);
    Result<> unwatch(std::string const &path, std::string const &token);
    Result<> introduce(domid_t, std::uint32_t frame, evtchn_port_t theirs);
    Result<> release(domid_t);

    // Calls change() in a transaction, again as long as others come in between; `change` returns Result<>.
    template <class Change>
    Result<> atomically(Change &&change);

    int fd() const { return fd_.get(); }  // readable when an event may have come
    // An event came while a reply was waited for: fd() tells nothing of it. To be asked before poll(2).
    bool has_event() const { return !events_.empty(); }
    // Waits for an event, at most so long in milliseconds; -1: for ever. False: none came.
    bool wait(int timeout_ms);
    // The next event, if there is one. An error: the daemon has gone.
    Result<std::optional<Event>> take_event();

private:
    explicit Store(Fd fd) : fd_{std::move(fd)} {}
    Result<std::string> ask(std::uint32_t type, std::string_view payload);
    Result<> tell(std::uint32_t type, std::string_view payload);
    Result<> send(std::string_view);
    Result<> receive(void *, std::size_t);
    // One whole message; an event goes to events_.
    Result<xsd_sockmsg> next_message(std::string &payload);
    Result<> begin();
    Result<> end(bool commit);

    Fd fd_;
    std::uint32_t transaction_ = 0;
    std::deque<Event> events_;
};

template <class Change>
Result<> Store::atomically(Change &&change)
{
    for (;;) {
        TRY(begin());
        auto result = change();
        auto ended = end(result.ok());
        if (!result.ok())
            return result;
        if (ended.ok() || ended.error() != Error::again)
            return ended;
    }
}
}  // namespace xen
