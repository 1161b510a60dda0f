// SPDX-License-Identifier: MIT
// /dev/xen/evtchn: event channels that belong to an open file. include/pv/sys/evtchn.h.
//
//   event --> masked, at the end of the queue --> read(2) gives its number --> write(2) of the number unmasks it
//
// A port is in the queue once at most, so the queue cannot overflow.
#include <boost/intrusive/list.hpp>
#include <drivers/xendev/xendev.hpp>
#include <kernel/process/process.hpp>
#include <linux/poll.h>
#include <memory>
#include <pv/sys/evtchn.h>
#include <pvlib/device/event_port.hpp>

namespace xendev {
namespace {
using kernel::UserPtr;
using QueueHook = boost::intrusive::list_member_hook<>;

class EventFile final : public File {
public:
    using File::File;
    ~EventFile() override
    {
        while (!ports_.empty())
            drop(ports_.front());
    }
    Result<std::size_t> read(kernel::IoBuffer &, std::uint64_t &) override;
    Result<std::size_t> write(kernel::IoBuffer &, std::uint64_t &) override;
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
    unsigned poll(kernel::PollTable *) override;

private:
    struct BoundPort : boost::intrusive::list_base_hook<> {
        EventFile *file;
        pv::EventPort port;
        bool enabled = true;  // false: fired, until the program writes its number
        QueueHook queue;
    };
    using Queue = boost::intrusive::list<BoundPort, boost::intrusive::member_hook<BoundPort, QueueHook, &BoundPort::queue>>;

    static void fired(void *);
    Result<std::int32_t> bind(Result<pv::EventPort>);
    BoundPort *find(pv::Port);
    void drop(BoundPort &);
    void enable(pv::Port);
    pv::Port take_fired();
    void give_back(pv::Port);
    void reset();
    bool may_reach(std::uint32_t domain) const { return restricted_to_ == nobody || restricted_to_ == domain; }

    static constexpr std::uint32_t nobody = ~0u;
    std::uint32_t restricted_to_ = nobody;  // IOCTL_EVTCHN_RESTRICT_DOMID
    boost::intrusive::list<BoundPort> ports_;
    Queue fired_;  // guarded by interrupts being off
    kernel::WaitQueue readable_;
};

void EventFile::fired(void *context)
{
    auto &p = *static_cast<BoundPort *>(context);
    p.port.mask();
    p.enabled = false;
    if (!p.queue.is_linked())
        p.file->fired_.push_back(p);
    p.file->readable_.wake_all();
}

Result<std::int32_t> EventFile::bind(Result<pv::EventPort> made)
{
    auto port = TRY(std::move(made));
    auto p = std::unique_ptr<BoundPort>{new (std::nothrow) BoundPort};
    if (!p)
        return Error::nomem;
    p->file = this;
    p->port = std::move(port);
    auto number = static_cast<std::int32_t>(p->port.raw());
    TRY(p->port.on_event(fired, p.get()));
    ports_.push_back(*p.release());
    return number;
}

EventFile::BoundPort *EventFile::find(pv::Port number)
{
    for (auto &p : ports_)
        if (p.port.raw() == number)
            return &p;
    return nullptr;
}

void EventFile::drop(BoundPort &p)
{
    p.port.off();
    {
        arch::IrqGuard guard;
        if (p.queue.is_linked())
            fired_.erase(fired_.iterator_to(p));
    }
    ports_.erase(ports_.iterator_to(p));
    delete &p;
}

void EventFile::enable(pv::Port number)
{
    auto p = find(number);
    if (!p || p->enabled)
        return;
    p->enabled = true;
    p->port.unmask();
}

// 0: nothing has fired.
pv::Port EventFile::take_fired()
{
    arch::IrqGuard guard;
    if (fired_.empty())
        return 0;
    auto number = fired_.front().port.raw();
    fired_.pop_front();
    return number;
}

// It could not be delivered.
void EventFile::give_back(pv::Port number)
{
    arch::IrqGuard guard;
    if (auto p = find(number); p && !p->enabled && !p->queue.is_linked())
        fired_.push_front(*p);
}

// What has fired and was not read is forgotten; such ports stay masked until their numbers are written.
void EventFile::reset()
{
    arch::IrqGuard guard;
    fired_.clear();
}

Result<std::int32_t> EventFile::ioctl(unsigned command, std::uint32_t argument)
{
    switch (command) {
    case IOCTL_EVTCHN_BIND_VIRQ: {
        auto a = TRY(UserPtr<ioctl_evtchn_bind_virq>{argument}.read());
        return restricted_to_ == nobody ? bind(pv::EventPort::virq(a.virq)) : Error::acces;
    }
    case IOCTL_EVTCHN_BIND_INTERDOMAIN: {
        auto a = TRY(UserPtr<ioctl_evtchn_bind_interdomain>{argument}.read());
        auto domain = static_cast<domid_t>(a.remote_domain);
        return may_reach(domain) ? bind(pv::EventPort::interdomain(domain, a.remote_port)) : Error::acces;
    }
    case IOCTL_EVTCHN_BIND_UNBOUND_PORT: {
        auto a = TRY(UserPtr<ioctl_evtchn_bind_unbound_port>{argument}.read());
        auto domain = static_cast<domid_t>(a.remote_domain);
        return may_reach(domain) ? bind(pv::EventPort::unbound(domain)) : Error::acces;
    }
    case IOCTL_EVTCHN_UNBIND: {
        auto p = find(TRY(UserPtr<ioctl_evtchn_unbind>{argument}.read()).port);
        if (!p)
            return Error::notconn;
        drop(*p);
        return 0;
    }
    case IOCTL_EVTCHN_NOTIFY: {
        auto p = find(TRY(UserPtr<ioctl_evtchn_notify>{argument}.read()).port);
        if (!p)
            return Error::notconn;
        p->port.notify();
        return 0;
    }
    case IOCTL_EVTCHN_RESET: reset(); return 0;
    case IOCTL_EVTCHN_RESTRICT_DOMID: {
        auto a = TRY(UserPtr<ioctl_evtchn_restrict_domid>{argument}.read());
        if (restricted_to_ != nobody)
            return Error::acces;
        if (a.domid == 0 || a.domid >= DOMID_FIRST_RESERVED)
            return Error::inval;
        restricted_to_ = a.domid;
        return 0;
    }
    default: return Error::nosys;
    }
}

Result<std::size_t> EventFile::read(kernel::IoBuffer &to, std::uint64_t &)
{
    constexpr std::size_t word = sizeof(pv::Port);
    auto room = (to.left() < page_size ? to.left() : page_size) / word;
    if (room == 0)
        return std::size_t{0};
    auto any = [this] { return !fired_.empty(); };
    if (nonblocking() && !any())
        return Error::again;
    TRY(kernel::wait_until(readable_, any));
    std::size_t done = 0;
    for (; done < room; ++done) {
        auto number = take_fired();
        if (!number)
            break;
        auto put = to.put(&number, word);
        if (put.ok())
            continue;
        give_back(number);
        return done ? Result<std::size_t>{done * word} : put;
    }
    return done * word;
}

Result<std::size_t> EventFile::write(kernel::IoBuffer &from, std::uint64_t &)
{
    constexpr std::size_t word = sizeof(pv::Port);
    auto count = (from.left() < page_size ? from.left() : page_size) / word;
    for (std::size_t i = 0; i < count; ++i) {
        pv::Port number;
        if (TRY(from.get(&number, word)) < word)
            return Error::fault;
        enable(number);
    }
    return count * word;
}

unsigned EventFile::poll(kernel::PollTable *table)
{
    if (table)
        table->add(readable_);
    return (fired_.empty() ? 0 : POLLIN | POLLRDNORM) | POLLOUT | POLLWRNORM;
}
}  // namespace

Result<Ref<File>> open_evtchn(unsigned flags) { return Ref<File>{TRY(kernel::make_ref<EventFile>(flags))}; }
}  // namespace xendev
