// SPDX-License-Identifier: MIT
// epoll(7).
//
//   Epoll --items_ (by file, fd)--> EpollItem --registrations--> wait queues of the watched file
//     `----ready_ -----------------> EpollItem                   (a wake puts the item on ready_, in interrupt context too)
//
// An item lives until it is removed, its Epoll is closed, or the last reference to the watched file goes: it holds none itself.
#pragma once
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <kernel/fs/file.hpp>

namespace kernel {
class Epoll;

// struct epoll_event of i386.
struct EpollEvent {
    std::uint32_t events;
    std::uint32_t data[2];
};
static_assert(sizeof(EpollEvent) == 12);

struct EpollRegistration : Waiter {
    struct EpollItem *item = nullptr;
    EpollRegistration *next = nullptr;
};

struct EpollItem : boost::intrusive::set_base_hook<> {
    File *file = nullptr;
    int fd = -1;
    Epoll *owner = nullptr;
    EpollEvent wanted{};
    boost::intrusive::list_member_hook<> ready_hook;
    EpollItem *next_of_file = nullptr;  // File::epoll_items
    EpollRegistration *registrations = nullptr;
    EpollRegistration first[2];
    unsigned first_used = 0;
    ~EpollItem();
    friend bool operator<(EpollItem const &a, EpollItem const &b)
    {
        return a.file != b.file ? a.file < b.file : a.fd < b.fd;
    }
};

class Epoll final : public File {
public:
    explicit Epoll(unsigned open_flags) : File{open_flags} {}
    ~Epoll() override;
    Result<> add(File &, int fd, EpollEvent const &);
    Result<> modify(File &, int fd, EpollEvent const &);
    Result<> remove(File &, int fd);
    // Collects at most n events. 0 at the deadline; Error::restart_sys: a signal.
    Result<unsigned> wait(EpollEvent *, unsigned n, std::uint64_t deadline_ns);
    unsigned poll(PollTable *) override;
    Epoll *as_epoll() override { return this; }
    void describe(char *out, std::size_t size) override;
    void item_ready(EpollItem &);  // callable from interrupts
    void destroy(EpollItem &);
    // How many epolls are nested below this one; `top` found below: more than epoll_depth_most.
    unsigned depth(Epoll const &top) const;

private:
    EpollItem *find(File &, int fd);
    unsigned collect(EpollEvent *, unsigned n);
    unsigned ready_events(EpollItem &, PollTable *);
    using Items = boost::intrusive::set<EpollItem, boost::intrusive::constant_time_size<false>>;
    using Ready = boost::intrusive::list<
        EpollItem, boost::intrusive::member_hook<EpollItem, boost::intrusive::list_member_hook<>, &EpollItem::ready_hook>,
        boost::intrusive::constant_time_size<false>>;
    Items items_;
    Ready ready_;
    WaitQueue waiters_;
};
inline constexpr unsigned epoll_depth_most = 5;
}  // namespace kernel
