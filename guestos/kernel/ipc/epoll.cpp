// SPDX-License-Identifier: MIT
#include <kernel/ipc/epoll.hpp>
#include <kernel/memory/address_space.hpp>
#include <lib/format.hpp>
#include <linux/eventpoll.h>
#include <linux/poll.h>

namespace kernel {
namespace {
constexpr std::uint32_t private_bits = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;

// Registers an item with each queue that the file's poll() names.
class ItemTable final : public PollTable {
public:
    explicit ItemTable(EpollItem &item) : item_{item} {}
    void add(WaitQueue &queue) override
    {
        EpollRegistration *r;
        if (item_.first_used < 2) {
            r = &item_.first[item_.first_used++];
        } else {
            r = new (std::nothrow) EpollRegistration;
            if (!r) {
                out_of_memory = true;
                return;
            }
            r->next = item_.registrations;
            item_.registrations = r;
        }
        r->item = &item_;
        r->notify = [](Waiter &w) {
            auto &item = *static_cast<EpollRegistration &>(w).item;
            item.owner->item_ready(item);
        };
        arch::IrqGuard guard;
        queue.add(*r);
    }
    bool out_of_memory = false;

private:
    EpollItem &item_;
};

void unlink_from_file(EpollItem &item)
{
    auto at = &item.file->epoll_items;
    while (*at != &item)
        at = &(*at)->next_of_file;
    *at = item.next_of_file;
}
}  // namespace

EpollItem::~EpollItem()
{
    arch::IrqGuard guard;
    for (auto &r : first)
        r.unlink();
    while (registrations) {
        auto r = std::exchange(registrations, registrations->next);
        r->unlink();
        delete r;
    }
}

void forget_epoll_items(File &file)
{
    while (auto item = file.epoll_items)
        item->owner->destroy(*item);
}

Epoll::~Epoll()
{
    while (!items_.empty())
        destroy(*items_.begin());
}

void Epoll::destroy(EpollItem &item)
{
    unlink_from_file(item);
    items_.erase(items_.iterator_to(item));
    {
        arch::IrqGuard guard;
        if (item.ready_hook.is_linked())
            ready_.erase(ready_.iterator_to(item));
    }
    delete &item;
}

void Epoll::item_ready(EpollItem &item)
{
    arch::IrqGuard guard;
    if (!(item.wanted.events & ~private_bits))
        return;  // disarmed by EPOLLONESHOT
    if (!item.ready_hook.is_linked())
        ready_.push_back(item);
    waiters_.wake_all();
}

EpollItem *Epoll::find(File &file, int fd)
{
    for (auto item = file.epoll_items; item; item = item->next_of_file)
        if (item->owner == this && item->fd == fd)
            return item;
    return nullptr;
}

unsigned Epoll::ready_events(EpollItem &item, PollTable *table)
{
    return item.file->poll(table) & item.wanted.events & ~private_bits;
}

unsigned Epoll::depth(Epoll const &top) const
{
    if (this == &top)
        return epoll_depth_most + 1;
    unsigned deepest = 0;
    for (auto const &item : items_)
        if (auto inner = item.file->as_epoll()) {
            auto below = 1 + inner->depth(top);
            if (below > deepest)
                deepest = below;
            if (deepest > epoll_depth_most)
                break;
        }
    return deepest;
}

Result<> Epoll::add(File &file, int fd, EpollEvent const &wanted)
{
    auto inode = file.inode();
    if (inode && (inode->type() == s_ifreg || inode->type() == s_ifdir))
        return Error::perm;  // always ready
    if (auto inner = file.as_epoll()) {
        if (wanted.events & EPOLLEXCLUSIVE)
            return Error::inval;
        if (inner->depth(*this) >= epoll_depth_most)
            return Error::loop;
    }
    if (find(file, fd))
        return Error::exist;
    auto item = new (std::nothrow) EpollItem;
    if (!item)
        return Error::nomem;
    item->file = &file;
    item->fd = fd;
    item->owner = this;
    item->wanted = wanted;
    item->wanted.events |= EPOLLERR | EPOLLHUP;
    item->next_of_file = file.epoll_items;
    file.epoll_items = item;
    items_.insert(*item);
    ItemTable table{*item};
    bool ready = ready_events(*item, &table) != 0;
    if (table.out_of_memory) {
        destroy(*item);
        return Error::nomem;
    }
    if (ready)
        item_ready(*item);
    return {};
}

Result<> Epoll::modify(File &file, int fd, EpollEvent const &wanted)
{
    auto item = find(file, fd);
    if (!item)
        return Error::noent;
    if ((item->wanted.events | wanted.events) & EPOLLEXCLUSIVE)
        return Error::inval;
    {
        arch::IrqGuard guard;
        item->wanted = wanted;
        item->wanted.events |= EPOLLERR | EPOLLHUP;
    }
    if (ready_events(*item, nullptr))
        item_ready(*item);
    return {};
}

Result<> Epoll::remove(File &file, int fd)
{
    auto item = find(file, fd);
    if (!item)
        return Error::noent;
    destroy(*item);
    return {};
}

// Looks at each item that may be ready once. A level-triggered one goes back to the end: it is looked at again next time.
unsigned Epoll::collect(EpollEvent *out, unsigned n)
{
    unsigned count = 0;
    EpollItem *first_again = nullptr;
    while (count < n) {
        EpollItem *item;
        {
            arch::IrqGuard guard;
            if (ready_.empty() || &ready_.front() == first_again)
                break;
            item = &ready_.front();
            ready_.pop_front();
        }
        auto events = ready_events(*item, nullptr);
        if (!events)
            continue;
        out[count++] = {events, {item->wanted.data[0], item->wanted.data[1]}};
        if (item->wanted.events & EPOLLONESHOT) {
            item->wanted.events &= private_bits;
        } else if (!(item->wanted.events & EPOLLET)) {
            arch::IrqGuard guard;
            if (!item->ready_hook.is_linked())
                ready_.push_back(*item);
            if (!first_again)
                first_again = item;
        }
    }
    return count;
}

Result<unsigned> Epoll::wait(EpollEvent *out, unsigned n, std::uint64_t deadline_ns)
{
    for (;;) {
        if (auto count = collect(out, n))
            return count;
        if (deadline_ns == 0)
            return 0u;
        auto slept = wait_until(
            waiters_, [this] { return !ready_.empty(); }, Sleep::interruptible, deadline_ns);
        if (slept.ok())
            continue;
        if (slept.error() != Error::timedout)
            return slept.error();
        deadline_ns = 0;
    }
}

unsigned Epoll::poll(PollTable *table)
{
    if (table)
        table->add(waiters_);
    for (;;) {
        EpollItem *item;
        {
            arch::IrqGuard guard;
            if (ready_.empty())
                return 0;
            item = &ready_.front();
            ready_.pop_front();
        }
        if (!ready_events(*item, nullptr))
            continue;
        arch::IrqGuard guard;
        if (!item->ready_hook.is_linked())
            ready_.push_front(*item);
        return POLLIN | POLLRDNORM;
    }
}

void Epoll::describe(char *out, std::size_t size) { format(out, size, "anon_inode:[eventpoll]"); }
}  // namespace kernel
