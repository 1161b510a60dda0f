// SPDX-License-Identifier: MIT
// inotify(7).
//
//   Inotify (a File) --watches--> Watch{wd, mask} <--watches-- Inode       events of a Watch queue at its Inotify
#include <cstring>
#include <kernel/fs/calls.hpp>
#include <kernel/fs/inotify.hpp>
#include <kernel/fs/inotify_file.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/lazy.hpp>
#include <lib/format.hpp>
#include <linux/fcntl.h>

namespace kernel {
namespace {
namespace bi = boost::intrusive;
constexpr unsigned queue_max = 16384;  // /proc/sys/fs/inotify/max_queued_events
unsigned watch_count = 0;
std::uint32_t last_cookie = 0;

struct Head {
    std::int32_t wd;
    std::uint32_t mask, cookie, len;
};  // struct inotify_event, the name follows
static_assert(sizeof(Head) == sizeof(inotify_event));
struct Event : bi::list_base_hook<> {
    Head head{};
    char name[name_max + 1] = {};
    std::size_t bytes() const { return sizeof head + head.len; }
};
struct Watch {
    Inotify *owner = nullptr;
    Ref<SuperBlock> super;  // outlives the inode
    Ref<Inode> inode;
    std::int32_t wd = 0;
    std::uint32_t mask = 0;
    bi::list_member_hook<> inode_hook, owner_hook, all_hook;
};
template <bi::list_member_hook<> Watch::*hook>
using WatchesBy = bi::list<Watch, bi::member_hook<Watch, bi::list_member_hook<>, hook>, bi::constant_time_size<false>>;
constinit Lazy<WatchesBy<&Watch::all_hook>> all_watches;
}  // namespace

struct WatchList {
    WatchesBy<&Watch::inode_hook> list;
};

class Inotify : public File {
public:
    explicit Inotify(unsigned f) : File{f} {}
    ~Inotify() override;
    Inotify *as_inotify() override { return this; }
    Result<std::size_t> read(IoBuffer &, std::uint64_t &) override;
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
    unsigned poll(PollTable *table) override
    {
        if (table)
            table->add(readable_);
        return events_.empty() ? 0 : 0x41;  // POLLIN|POLLRDNORM
    }
    void describe(char *out, std::size_t size) override { format(out, size, "anon_inode:inotify"); }

    Result<std::int32_t> watch(Ref<Inode>, std::uint32_t mask);
    Result<> unwatch(std::int32_t wd);
    void deliver(Watch &, std::uint32_t event, std::uint32_t cookie, std::string_view name);
    void remove(Watch &);                    // tells IN_IGNORED
    void end(Watch &w, std::uint32_t event)  // the inode is no more
    {
        if ((w.mask & event) != 0 || event == IN_UNMOUNT)
            push(w.wd, event, 0, {});
        remove(w);
    }

private:
    void push(std::int32_t wd, std::uint32_t event, std::uint32_t cookie, std::string_view name);
    void drop(Watch &);
    bi::list<Event> events_;
    WatchesBy<&Watch::owner_hook> watches_;
    WaitQueue readable_;
    std::int32_t last_wd_ = 0;
};

Inotify::~Inotify()
{
    while (!watches_.empty())
        drop(watches_.front());
    events_.clear_and_dispose([](Event *e) { delete e; });
}

void Inotify::drop(Watch &w)
{
    watches_.erase(watches_.iterator_to(w));
    all_watches->erase(all_watches->iterator_to(w));
    auto *list = w.inode->watches;
    list->list.erase(list->list.iterator_to(w));
    if (list->list.empty()) {
        w.inode->watches = nullptr;
        delete list;
    }
    --watch_count;
    delete &w;
}

void Inotify::remove(Watch &w)
{
    push(w.wd, IN_IGNORED, 0, {});
    drop(w);
}

void Inotify::push(std::int32_t wd, std::uint32_t event, std::uint32_t cookie, std::string_view name)
{
    if (events_.size() >= queue_max) {
        if (events_.back().head.mask == IN_Q_OVERFLOW)
            return;
        wd = -1, event = IN_Q_OVERFLOW, cookie = 0, name = {};
    }
    if (!events_.empty()) {  // an event just like the last one is not repeated
        auto &l = events_.back();
        if (l.head.wd == wd && l.head.mask == event && l.head.cookie == cookie && name == l.name)
            return;
    }
    auto *e = new (std::nothrow) Event;
    if (!e)
        return;
    e->head.wd = wd;
    e->head.mask = event;
    e->head.cookie = cookie;
    e->head.len = name.empty()
        ? 0
        : static_cast<std::uint32_t>((name.size() + sizeof e->head) / sizeof e->head * sizeof e->head);
    std::memcpy(e->name, name.data(), name.size());
    events_.push_back(*e);
    readable_.wake_all();
}

void Inotify::deliver(Watch &w, std::uint32_t event, std::uint32_t cookie, std::string_view name)
{
    push(w.wd, event, cookie, name);
    if ((w.mask & IN_ONESHOT) != 0)
        remove(w);
}

Result<std::size_t> Inotify::read(IoBuffer &buffer, std::uint64_t &)
{
    if (events_.empty()) {
        if (nonblocking())
            return Error::again;
        TRY(wait_until(readable_, [&] { return !events_.empty(); }));
    }
    std::size_t total = 0;
    while (!events_.empty() && events_.front().bytes() <= buffer.left()) {
        std::unique_ptr<Event> e{&events_.front()};
        events_.pop_front();
        char padding[sizeof(inotify_event)] = {};
        TRY(buffer.put(&e->head, sizeof e->head));
        auto text = e->head.len < sizeof e->name ? e->head.len : static_cast<std::uint32_t>(sizeof e->name);
        TRY(buffer.put(e->name, text));
        TRY(buffer.put(padding, e->head.len - text));
        total += e->bytes();
    }
    return total != 0 ? Result<std::size_t>{total} : Result<std::size_t>{Error::inval};
}

Result<std::int32_t> Inotify::ioctl(unsigned command, std::uint32_t argument)
{
    constexpr unsigned fionread = 0x541b;
    if (command != fionread)
        return Error::notty;
    std::int32_t bytes = 0;
    for (auto &e : events_)
        bytes += static_cast<std::int32_t>(e.bytes());
    TRY(UserPtr<std::int32_t>{argument}.write(bytes));
    return 0;
}

Result<std::int32_t> Inotify::watch(Ref<Inode> inode, std::uint32_t mask)
{
    constexpr std::uint32_t kept = IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK;
    if (inode->watches) {
        for (auto &w : inode->watches->list) {
            if (w.owner != this)
                continue;
            if ((mask & IN_MASK_CREATE) != 0)
                return Error::exist;
            w.mask = (mask & kept) | ((mask & IN_MASK_ADD) != 0 ? w.mask : 0u);
            return w.wd;
        }
    }
    std::unique_ptr<Watch> w{new (std::nothrow) Watch};
    if (!w)
        return Error::nomem;
    if (!inode->watches && !(inode->watches = new (std::nothrow) WatchList))
        return Error::nomem;
    w->owner = this;
    w->super = Ref<SuperBlock>{&inode->super};
    w->inode = inode;
    w->wd = ++last_wd_;
    w->mask = mask & kept;
    inode->watches->list.push_back(*w);
    watches_.push_back(*w);
    all_watches->push_back(*w);
    ++watch_count;
    return w.release()->wd;
}

Result<> Inotify::unwatch(std::int32_t wd)
{
    for (auto &w : watches_) {
        if (w.wd != wd)
            continue;
        remove(w);
        return {};
    }
    return Error::inval;
}

Result<Ref<File>> make_inotify(unsigned flags) { return make_ref<Inotify>(flags); }

Result<std::int32_t> add_watch(Inotify &inotify, Ref<Inode> inode, std::uint32_t mask)
{
    return inotify.watch(std::move(inode), mask);
}

Result<> remove_watch(Inotify &inotify, std::int32_t wd) { return inotify.unwatch(wd); }

static void tell(Inode &inode, std::uint32_t event, std::uint32_t cookie, std::string_view name)
{
    auto *list = inode.watches;
    if (!list)
        return;
    for (auto i = list->list.begin(); i != list->list.end();) {
        auto &w = *i++;
        if ((w.mask & event & IN_ALL_EVENTS) == 0)
            continue;
        bool const last = i == list->list.end();  // a one-shot watch may take the list with it
        w.owner->deliver(w, event, cookie, name);
        if (last)
            return;
    }
}

void notify(Inode &inode, std::uint32_t event)
{
    if (watch_count != 0)
        tell(inode, event | (inode.is_directory() ? IN_ISDIR : 0u), 0, {});
}

void notify_name(Inode &directory, std::uint32_t event, std::string_view name, Inode const &subject, std::uint32_t cookie)
{
    if (watch_count != 0)
        tell(directory, event | (subject.is_directory() ? IN_ISDIR : 0u), cookie, name);
}

void notify_path(Path const &path, std::uint32_t event)
{
    if (watch_count == 0 || path.empty() || !path.inode())
        return;
    auto &dentry = *path.dentry();
    if (dentry.parent && dentry.parent->inode && !dentry.deleted)
        notify_name(*dentry.parent->inode, event, dentry.name(), *dentry.inode);
    notify(*dentry.inode, event);
}

static void end_watches(Inode &inode, std::uint32_t event)
{
    while (inode.watches) {
        auto &w = inode.watches->list.front();
        w.owner->end(w, event);
    }
}

void notify_deleted(Inode &inode)
{
    if (watch_count == 0 || !inode.watches)
        return;
    if (!inode.is_directory())
        notify(inode, IN_ATTRIB);
    end_watches(inode, IN_DELETE_SELF);
}

void forget_watches(SuperBlock const &super)
{
    for (auto w = all_watches->begin(); w != all_watches->end();) {
        if (w->super.get() != &super) {
            ++w;
            continue;
        }
        end_watches(*w->inode, IN_UNMOUNT);
        w = all_watches->begin();
    }
}

std::uint32_t next_notify_cookie() { return ++last_cookie; }
}  // namespace kernel
