// SPDX-License-Identifier: MIT
#include <arch/mmu.hpp>
#include <cstring>
#include <kernel/lazy.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/process/process.hpp>
#include <pvlib/device/store_connection.hpp>
#include <pvlib/shared.hpp>

namespace xenbus {
namespace {
constinit kernel::Lazy<Connection> the_connection;

std::uint64_t reply_deadline() { return arch::now_ns() + reply_timeout_ns; }
}  // namespace

Connection &connection() { return *the_connection; }

// --- coming up ---
Result<> Connection::start()
{
    TRY(pv::is_initial_domain() && pv::start->store_evtchn == 0 ? start_local() : start_as_guest());
    auto on_event = [](void *context) {
        auto &self = *static_cast<Connection *>(context);
        self.event_ = true;
        self.events_.wake_all();
    };
    TRY(kernel::start_kernel_thread(
        "xenbus", [](void *self) { static_cast<Connection *>(self)->read_loop(); }, this));
    return port_.on_event(on_event, this);
}

// Domain 0: we make the page and the port, the daemon comes for them through /dev/xen/xenbus_backend.
Result<> Connection::start_local()
{
    auto frame = TRY(kernel::allocate_zeroed_frame());
    auto port = pv::EventPort::unbound(DOMID_SELF);
    if (!port.ok()) {
        kernel::unref_frame(frame);
        return port.error();
    }
    page_ = static_cast<xenstore_domain_interface *>(kernel::frame_address(frame));
    port_ = port.take();
    local_ = true;
    attach();
    become(State::waiting);
    return {};
}

Result<> Connection::start_as_guest()
{
    if (!pv::start->store_mfn || !pv::start->store_evtchn)
        return Error::nodev;
    auto frame = arch::Mmu::to_pseudo(Mfn{pv::start->store_mfn});
    page_ = static_cast<xenstore_domain_interface *>(kernel::frame_address(frame));
    port_ = pv::EventPort::adopt(pv::start->store_evtchn);
    attach();
    become(State::ready);
    return {};
}

void Connection::attach()
{
    ring_.attach(*page_);
    reader_.reset();
}

void Connection::become(State s)
{
    state_ = s;
    if (s == State::ready) {
        ++generation_;
        register_watches();
    }
    changed_.wake_all();
}

Result<> Connection::wait_until_ready(kernel::Sleep how, std::uint64_t deadline_ns)
{
    auto settled = [this] { return state_ == State::ready || state_ == State::absent || state_ == State::broken; };
    TRY(kernel::wait_until(changed_, settled, how, deadline_ns));
    if (state_ == State::absent)
        return Error::nodev;
    return state_ == State::ready ? Result<>{} : Error::io;
}

// --- sending ---
Result<> Connection::send(std::uint32_t in_generation, void const *bytes, std::size_t n)
{
    auto from = static_cast<char const *>(bytes);
    while (n) {
        auto usable = [&] { return !ready() || generation_ != in_generation || ring_.has_room(); };
        auto waited = kernel::wait_until(changed_, usable, kernel::Sleep::uninterruptible, reply_deadline());
        if (!ready() || generation_ != in_generation)
            return Error::io;
        if (!waited.ok()) {
            broke("reads no requests");  // half a message is in the ring: nothing can follow it
            return Error::timedout;
        }
        auto put = ring_.put(from, n);
        if (!put.ok()) {
            broke("moves its index of requests beyond what there is");
            return Error::io;
        }
        from += put.value();
        n -= put.value();
        port_.notify();
    }
    return {};
}

// Requests of several threads go out whole, one after the other; their replies may come in any order.
Result<> Connection::send_message(xsd_sockmsg const &header, std::span<std::string_view const> pieces, Pending &p)
{
    kernel::MutexGuard guard{sending_};
    if (!ready())
        return Error::io;
    auto in_generation = generation_;
    pending_.push_back(p);
    TRY(send(in_generation, &header, sizeof header));
    for (auto piece : pieces)
        TRY(send(in_generation, piece.data(), piece.size()));
    return {};
}

Result<Message> Connection::exchange(xsd_sockmsg header, std::span<std::string_view const> pieces)
{
    std::size_t bytes = 0;
    for (auto piece : pieces)
        bytes += piece.size();
    if (bytes > XENSTORE_PAYLOAD_MAX)
        return Error::too_big;
    TRY(wait_until_ready(kernel::Sleep::killable, arch::no_deadline));
    auto callers_id = header.req_id;
    header.req_id = ++last_id_;
    header.len = static_cast<std::uint32_t>(bytes);
    Pending p;
    p.id = header.req_id;
    p.type = header.type;
    auto sent = send_message(header, pieces, p);
    if (!sent.ok() && !p.done)
        return sent.error();
    TRY(kernel::wait_until(
        p.answered, [&p] { return p.done; }, kernel::Sleep::uninterruptible, reply_deadline()));
    if (p.error != Error::none)
        return p.error;
    p.reply.header.req_id = callers_id;
    return std::move(p.reply);
}

// --- receiving ---
void Connection::deliver(Message m)
{
    if (m.header.type == XS_WATCH_EVENT)
        return watch_fired(m);
    for (auto &p : pending_) {
        if (p.id != m.header.req_id)
            continue;
        if (m.header.type != p.type && m.header.type != XS_ERROR)
            p.error = Error::proto;
        else if (m.lost)
            p.error = Error::nomem;
        else
            p.reply = std::move(m);
        p.done = true;
        p.unlink();
        p.answered.wake_all();
        return;
    }
    // Late, after its request gave up; or nobody ever asked.
    kernel::log_once(0x5708'0000u, "<4>xenstore: a reply to nothing (request %u)", m.header.req_id);
}

void Connection::read_messages()
{
    bool any = false;
    for (;;) {
        Message m;
        auto got = reader_.next(ring_, m);
        if (!got.ok())
            return broke("sends what is no message");
        if (!got.value())
            break;
        any = true;
        deliver(std::move(m));
    }
    if (any || ring_.has_bytes())
        port_.notify();  // there is room again
}

void Connection::look_around()
{
    if (state_ == State::waiting)
        become(State::ready);
    if (state_ == State::reconnecting && __atomic_load_n(&page_->connection, __ATOMIC_ACQUIRE) == XENSTORE_CONNECTED) {
        attach();
        become(State::ready);
    }
    if (state_ == State::ready)
        read_messages();
    changed_.wake_all();
}

void Connection::read_loop()
{
    for (;;) {
        (void)kernel::wait_until(
            events_, [this] { return event_; }, kernel::Sleep::uninterruptible);
        event_ = false;
        look_around();
    }
}

// --- going down ---
void Connection::fail_pending()
{
    while (!pending_.empty()) {
        auto &p = pending_.front();
        p.error = Error::io;
        p.done = true;
        p.unlink();
        p.answered.wake_all();
    }
}

void Connection::broke(char const *why)
{
    bool again = !local_ && (page_->server_features & XENSTORE_SERVER_FEATURE_RECONNECTION) != 0;
    kernel::log("<3>xenstore: the daemon %s: the connection is %s", why, again ? "made anew" : "given up");
    become(again ? State::reconnecting : State::broken);
    fail_pending();
    if (!again)
        return;
    __atomic_store_n(&page_->connection, XENSTORE_RECONNECT, __ATOMIC_RELEASE);
    port_.notify();
}

DaemonSide Connection::daemon_side() const { return local_ ? DaemonSide{page_, port_.raw()} : DaemonSide{}; }

void Connection::daemon_gone()
{
    if (!local_ || state_ == State::waiting)
        return;
    std::memset(static_cast<void *>(page_), 0, page_size);
    attach();
    become(State::waiting);
    fail_pending();
}
}  // namespace xenbus
