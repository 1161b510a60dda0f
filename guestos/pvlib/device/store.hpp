// SPDX-License-Identifier: MIT
// A client of xenstore, the tree of names and values through which domains and their devices find each other. docs:
// include/pv/io/xs_wire.h; docs/misc/xenstore.txt of Xen.
//
//   any thread: request() --> req ring --> xenstored (domain 0, user space)
//        ^ waits                               |
//        `-- reply --- thread "xenbus" <--- rsp ring
//                            `--- watch events --> queue --> thread "xenwatch" --> Watch callbacks
//
// In an unprivileged domain the daemon is there from the start. In domain 0 it is a program that starts later, and may be started
// again: requests wait for it, watches are registered with it when it comes. A daemon that answers nothing fails a request after
// reply_timeout_ns; one that answers rubbish ends the connection, which is made anew where the daemon offers that.
//
// All calls may sleep: not for interrupt handlers. A request of a user thread is ended by a fatal signal only.
#pragma once
#include <boost/intrusive/list.hpp>
#include <kernel/process/wait.hpp>
#include <lib/result.hpp>
#include <pv/xen.h>
#include <pvlib/store_message.hpp>

namespace xenbus {
inline constexpr std::uint64_t reply_timeout_ns = 30'000'000'000;

bool store_ready();  // the daemon is there
// Error::timedout; Error::nodev: there is no store at all.
Result<> wait_for_store(std::uint64_t deadline_ns = arch::no_deadline);

// A path in two parts, as most are: {"device/vbd/51712", "state"}. Either part may be empty. A path without a leading '/' is
// relative to the domain's own folder, /local/domain/N.
struct Node {
    std::string_view folder, name{};
};

// Which transaction a request belongs to; the default: none.
struct Tx {
    std::uint32_t id = 0;
};

// Errors are the daemon's (noent, acces, inval, nospc, again, ...), or: timedout (no reply), io (the connection broke), nodev (no
// store), nomem, nametoolong.
Result<Text> read(Node, Tx = {});
Result<std::uint32_t> read_number(Node, Tx = {});  // decimal. Error::range: it is not one
Result<> write(Node, std::string_view value, Tx = {});
Result<> write_number(Node, std::uint32_t, Tx = {});
Result<Text> list(Node, Tx = {});  // of the children's names
bool exists(Node, Tx = {});
Result<> make_folder(Node, Tx = {});
Result<> remove(Node, Tx = {});  // with everything below. Error::noent is none: it is gone already
// permissions: "b0", "r3", ...; the first is the owner. include/pv/io/xs_wire.h.
Result<> set_permissions(Node, std::string_view first, std::string_view second = {}, Tx = {});
Result<std::uint32_t> own_domain();  // our number

Result<Tx> begin();
Result<> end(Tx, bool commit);
inline constexpr unsigned transaction_tries = 64;
// Runs f(Tx) -> Result<> in a transaction, again as long as somebody else was faster. An error of f gives it up.
template <class F>
Result<> transact(F f)
{
    for (unsigned i = 0; i < transaction_tries; ++i) {
        auto tx = TRY(begin());
        Result<> done = f(tx);
        auto ended = end(tx, done.ok());
        if (!done.ok())
            return done;
        if (ended.ok() || ended.error() != Error::again)
            return ended;
    }
    return Error::again;
}

// Tells of changes at and below a path, and once when it begins. Callbacks run on one kernel thread, one at a time; they may use
// the store, and stop or destroy any watch, their own too. Changes in a row may arrive as one.
class Watch : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    // `path` is what changed, as the daemon names it: relative if the watch is. NUL-terminated.
    using Callback = void (*)(void *context, std::string_view path);
    Watch(Callback c, void *context) : callback_{c}, context_{context} {}
    Watch(Watch const &) = delete;
    Watch &operator=(Watch const &) = delete;
    ~Watch() { stop(); }
    // Without a daemon yet: ok, it will be registered when one comes. Errors: the daemon's; Error::nomem, Error::exist (running).
    Result<> start(Node);
    Result<> start_soon(Node);  // does not sleep: for drivers' start functions. Refusals go to the log
    void stop();  // afterwards the callback does not run, nor will it; waits for one that runs in another thread
    bool running() const { return is_linked(); }
    std::string_view path() const { return path_.view(); }

private:
    friend struct WatchList;
    Callback callback_;
    void *context_;
    Text path_;
    std::uint32_t number_ = 0;         // its token is this in hexadecimal
    std::uint32_t registered_in_ = 0;  // the generation of the daemon that knows it
};

// Work for the watch thread, beside the callbacks; from interrupt handlers too. The object must outlive the call; queued twice, it runs once.
struct WatchThreadWork {
    void (*run)(void *context);
    void *context;
    bool queued = false;
    WatchThreadWork *next = nullptr;
};
void on_watch_thread(WatchThreadWork &);

// One message as it is, for /dev/xen/xenbus: any type but XS_WATCH and XS_UNWATCH. reply.type is the request's or XS_ERROR;
// req_id is the caller's again.
Result<Message> request(xsd_sockmsg const &, void const *payload);
// Changes when the daemon is a new one: transactions begun before are void.
std::uint32_t store_generation();

// What the daemon needs of domain 0's kernel: its page and the port that waits for it. Null: there is none to serve. The kernel
// takes the first event on the port as the daemon's being ready; daemon_gone() makes it wait again.
struct DaemonSide {
    xenstore_domain_interface *page = nullptr;
    evtchn_port_t port = 0;
};
DaemonSide daemon_side();
void daemon_gone();
}  // namespace xenbus
