// SPDX-License-Identifier: MIT
// sched_op: what a guest says about its own running.
#include <hv/cpu.hpp>
#include <hv/event.hpp>
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/schedule.hpp>
#include <hv/time.hpp>
#include <iterator>
#include <pv/sched.h>

namespace hv {
namespace {

// Unmasks events and sleeps until one is there: no event can come between the two, interrupts are off here.
void block(Vcpu &v)
{
    v.info->evtchn_upcall_mask = 0;
    if (!event_deliverable(v))
        block_current();
}

Result<> poll(Vcpu &v, std::uint32_t argument)
{
    sched_poll op;
    if (!read_guest(op, argument))
        return Error::fault;
    if (op.nr_ports > std::size(v.poll_ports))
        return Error::inval;
    auto list = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(op.ports));
    for (unsigned i = 0; i < op.nr_ports; ++i) {
        std::uint32_t port;
        if (!read_guest(port, list + i * 4))
            return Error::fault;
        if (port >= max_event_ports)
            return Error::inval;
        v.poll_ports[i] = static_cast<std::uint16_t>(port);
    }
    if (any_pending(*v.domain, v.poll_ports, op.nr_ports))
        return {};
    if (op.timeout && op.timeout <= now_ns())
        return {};
    v.poll_count = op.nr_ports;
    v.poll_deadline_ns = op.timeout;
    v.in_polling = true;
    deadline_changed(v);
    block_current();
    return {};
}

Result<> shutdown(std::uint32_t argument, bool only_note)
{
    sched_shutdown op;
    if (!read_guest(op, argument))
        return Error::fault;
    if (op.reason > SHUTDOWN_MAX)
        return Error::inval;
    Domain &d = current_domain();
    if (only_note)
        d.shutdown_code = static_cast<std::uint8_t>(op.reason + 1);
    else
        shutdown_domain(d, d.shutdown_code ? d.shutdown_code - 1 : op.reason);
    return {};
}

Result<> remote_shutdown(std::uint32_t argument)
{
    sched_remote_shutdown op;
    if (!read_guest(op, argument))
        return Error::fault;
    if (!current_domain().privileged)
        return Error::perm;
    if (op.reason > SHUTDOWN_MAX)
        return Error::inval;
    Domain *d = find_domain(op.domain_id);
    if (!d || d == &current_domain())
        return Error::srch;
    shutdown_domain(*d, op.reason);
    return {};
}

}  // namespace

std::int32_t do_sched_op(std::uint32_t cmd, std::uint32_t argument)
{
    Vcpu &v = current();
    switch (cmd) {
    case SCHEDOP_yield: yield_current(); return 0;
    case SCHEDOP_block: block(v); return 0;
    case SCHEDOP_poll: return to_errno(poll(v, argument));
    case SCHEDOP_shutdown: return to_errno(shutdown(argument, false));
    case SCHEDOP_shutdown_code: return to_errno(shutdown(argument, true));
    case SCHEDOP_remote_shutdown: return to_errno(remote_shutdown(argument));
    default: return -static_cast<std::int32_t>(Error::nosys);
    }
}

std::int32_t do_sched_op_compat(std::uint32_t cmd, std::uint32_t argument)
{
    switch (cmd) {
    case SCHEDOP_yield:
    case SCHEDOP_block: return do_sched_op(cmd, 0);
    case SCHEDOP_shutdown:  // the reason itself, not its address
        if (argument > SHUTDOWN_MAX)
            return -static_cast<std::int32_t>(Error::inval);
        shutdown_domain(current_domain(), argument);
        return 0;
    default: return -static_cast<std::int32_t>(Error::nosys);
    }
}

}  // namespace hv
