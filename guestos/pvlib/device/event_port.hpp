// SPDX-License-Identifier: MIT
// An event channel of ours with its handler. The handler runs in interrupt context: it wakes a thread or a queue and returns.
// One event may stand for many notifications; whoever handles it looks at the shared memory until there is nothing left.
#pragma once
#include <kernel/interrupts.hpp>
#include <pvlib/events.hpp>
#include <utility>

namespace pv {
class EventPort {
public:
    EventPort() = default;  // none
    // A port that `remote` may bind: its number goes into the store. Front ends.
    static Result<EventPort> unbound(domid_t remote) { return from(alloc_unbound(remote)); }
    // Connected with a port that waits for us. Back ends. Error::inval: that port does not.
    static Result<EventPort> interdomain(domid_t remote, Port remote_port)
    {
        return from(bind_interdomain(remote, remote_port));
    }
    static Result<EventPort> virq(Word virq, unsigned vcpu = 0) { return from(bind_virq(virq, vcpu)); }
    static Result<EventPort> ipi(unsigned vcpu = 0) { return from(bind_ipi(vcpu)); }
    // Takes over a port that was bound for us: start_info's.
    static EventPort adopt(Port p) { return EventPort{p}; }

    EventPort(EventPort &&other) noexcept
        : port_{std::exchange(other.port_, 0)}, handled_{std::exchange(other.handled_, false)}
    {
    }
    EventPort &operator=(EventPort &&other) noexcept
    {
        std::swap(port_, other.port_);
        std::swap(handled_, other.handled_);
        return *this;
    }
    ~EventPort() { release(); }
    void release()  // the handler is gone and the port closed
    {
        off();
        if (port_)
            (void)close(std::exchange(port_, 0));
    }
    Port disown()  // the port stays open, without handler
    {
        off();
        return std::exchange(port_, 0);
    }

    explicit operator bool() const { return port_ != 0; }
    Port raw() const { return port_; }
    // Unmasks it; what came before is delivered at once. Error::busy: it has a handler.
    Result<> on_event(void (*handler)(void *), void *context)
    {
        TRY(kernel::attach_interrupt(line(), handler, context));
        handled_ = true;
        return {};
    }
    void off()
    {
        if (std::exchange(handled_, false))
            kernel::detach_interrupt(line());
    }
    void mask() const { arch::irq_mask(line()); }
    void unmask() const { arch::irq_unmask(line()); }  // delivers what came meanwhile
    void notify() const { (void)pv::notify(port_); }   // the other end may be gone: then nobody hears it

private:
    explicit EventPort(Port p) : port_{p} {}
    static Result<EventPort> from(Result<Port> p)
    {
        if (!p.ok())
            return p.error();
        return EventPort{p.value()};
    }
    arch::Line line() const { return arch::Line{static_cast<std::uint16_t>(port_)}; }
    Port port_ = 0;
    bool handled_ = false;
};
}  // namespace pv
