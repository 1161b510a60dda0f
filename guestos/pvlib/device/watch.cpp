// SPDX-License-Identifier: MIT
// Watches: who waits for which path, and the thread that tells them.
#include <kernel/lazy.hpp>
#include <kernel/log.hpp>
#include <kernel/process/process.hpp>
#include <lib/format.hpp>
#include <pvlib/device/store_connection.hpp>

namespace xenbus {
namespace {
// Beyond so many the daemon has gone mad, or we do not come to work: what is lost is said in the log.
constexpr unsigned most_events = 1024;

struct Event : boost::intrusive::list_base_hook<> {
    std::uint32_t watch;  // its number
    Text path;
};
}  // namespace

struct WatchList {
    boost::intrusive::list<Watch, boost::intrusive::constant_time_size<false>> watches;
    boost::intrusive::list<Event> events;
    WatchThreadWork *work = nullptr;
    bool registration_due = false;
    std::uint32_t last_number = 0;
    Watch *busy = nullptr;  // its callback runs, or it is being registered: on the watch thread
    kernel::Thread *thread = nullptr;
    kernel::WaitQueue todo, not_busy;

    Watch *find(std::uint32_t number);
    Result<> add(Watch &, Node);
    Result<> send(Watch &, std::uint32_t type);
    void fire(std::uint32_t number, std::string_view path);
    void forget_events(Watch const &);
    void stop(Watch &);
    void register_all();
    void call_next();
    void run_work();
    void loop();
};

namespace {
constinit kernel::Lazy<WatchList> all;
}

Watch *WatchList::find(std::uint32_t number)
{
    for (auto &w : watches)
        if (w.number_ == number)
            return &w;
    return nullptr;
}

Result<> WatchList::add(Watch &w, Node node)
{
    if (w.running())
        return Error::exist;
    w.path_ = TRY(Text::join(node.folder, node.name));
    w.number_ = ++last_number;
    w.registered_in_ = 0;
    watches.push_back(w);
    return {};
}

// path|token|
Result<> WatchList::send(Watch &w, std::uint32_t type)
{
    char token[12];
    auto length = static_cast<std::size_t>(format(token, sizeof token, "%x", w.number_)) + 1;
    std::string_view pieces[] = {{w.path_.c_str(), w.path_.size() + 1}, {token, length}};
    auto reply = TRY(connection().exchange({type, 0, 0, 0}, pieces));
    if (reply.header.type == XS_ERROR)
        return error_of_reply(reply.payload);
    return {};
}

// A change that waits to be told already need not be told twice.
void WatchList::fire(std::uint32_t number, std::string_view path)
{
    for (auto const &e : events)
        if (e.watch == number && e.path.view() == path)
            return;
    auto event = events.size() < most_events ? new (std::nothrow) Event : nullptr;
    auto copy = event ? Text::copy(path) : Result<Text>{Error::nomem};
    if (!copy.ok()) {
        delete event;
        kernel::log_once(0x5708'0001u, "<3>xenstore: a change is lost: %.*s", static_cast<int>(path.size()), path.data());
        return;
    }
    event->watch = number;
    event->path = copy.take();
    events.push_back(*event);
    todo.wake_all();
}

void WatchList::forget_events(Watch const &w)
{
    events.remove_and_dispose_if([&](Event const &e) { return e.watch == w.number_; }, [](Event *e) { delete e; });
}

void WatchList::stop(Watch &w)
{
    if (!w.running())
        return;
    w.unlink();
    forget_events(w);
    if (thread != &kernel::current())
        (void)kernel::wait_until(
            not_busy, [&] { return busy != &w; }, kernel::Sleep::uninterruptible);
    if (connection().ready() && w.registered_in_ == connection().generation())
        (void)send(w, XS_UNWATCH);  // unknown to the daemon: as good
}

// The list may change at each request, so it is looked at from the start after each.
void WatchList::register_all()
{
    for (;;) {
        auto generation = connection().generation();
        for (auto &w : watches) {
            if (w.registered_in_ == generation)
                continue;
            busy = &w;
            break;
        }
        if (!busy)
            return;
        busy->registered_in_ = generation;
        auto done = connection().ready() ? send(*busy, XS_WATCH) : Result<>{};
        if (!done.ok() && done.error() != Error::exist)
            kernel::log("<3>xenstore: cannot watch %s: error %d", busy->path_.c_str(), to_errno(done));
        busy = nullptr;
        not_busy.wake_all();
    }
}

void WatchList::call_next()
{
    auto &event = events.front();
    events.pop_front();
    std::unique_ptr<Event> owner{&event};
    busy = find(event.watch);
    if (busy)
        busy->callback_(busy->context_, event.path.view());
    busy = nullptr;
    not_busy.wake_all();
}

void WatchList::run_work()
{
    WatchThreadWork *w = nullptr;
    {
        arch::IrqGuard guard;
        std::swap(w, work);
    }
    while (w) {
        auto next = std::exchange(w->next, nullptr);
        w->queued = false;
        w->run(w->context);
        w = next;
    }
}

void WatchList::loop()
{
    thread = &kernel::current();
    for (;;) {
        (void)kernel::wait_until(
            todo, [this] { return work || registration_due || !events.empty(); }, kernel::Sleep::uninterruptible);
        if (std::exchange(registration_due, false))
            register_all();
        if (work)
            run_work();
        if (!events.empty())
            call_next();
    }
}

// --- what others see ---
void watch_fired(Message const &m)
{
    auto event = m.lost ? Result<WatchEvent>{Error::nomem} : parse_watch_event(m.payload.view());
    auto number = event.ok() ? parse_number(event.value().token, 16) : Result<std::uint32_t>{event.error()};
    if (!number.ok()) {
        kernel::log_once(0x5708'0002u, "<3>xenstore: a watch event that cannot be read: error %d", to_errno(number));
        return;
    }
    if (all->find(number.value()))  // else it was stopped meanwhile
        all->fire(number.value(), event.value().path);
}

void register_watches()
{
    all->registration_due = true;
    all->todo.wake_all();
}

void on_watch_thread(WatchThreadWork &w)
{
    arch::IrqGuard guard;
    if (std::exchange(w.queued, true))
        return;
    w.next = all->work;
    all->work = &w;
    all->todo.wake_all();
}

Result<> start_watch_thread()
{
    TRY(kernel::start_kernel_thread(
        "xenwatch", [](void *) { all->loop(); }, nullptr));
    return {};
}

Result<> Watch::start(Node node)
{
    TRY(all->add(*this, node));
    if (!connection().ready())
        return {};  // register_all() will do it
    registered_in_ = connection().generation();
    auto done = all->send(*this, XS_WATCH);
    if (!done.ok()) {
        unlink();
        all->forget_events(*this);
    }
    return done;
}

Result<> Watch::start_soon(Node node)
{
    TRY(all->add(*this, node));
    register_watches();
    return {};
}

void Watch::stop() { all->stop(*this); }
}  // namespace xenbus
