// SPDX-License-Identifier: MIT
// physdev_op: I/O privilege for any domain; interrupts of devices (pirq.hpp) for domain 0.
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/percpu.hpp>
#include <hv/pirq.hpp>
#include <lib/result.hpp>
#include <pv/physdev.h>

namespace hv {
namespace {

Result<> set_iopl(physdev_set_iopl const &op)
{
    if (op.iopl > 3)
        return Error::inval;
    current().iopl = static_cast<std::uint8_t>(op.iopl);  // the processor's own stays 0: emulate.cpp asks this one
    return {};
}

Result<> set_iobitmap(physdev_set_iobitmap const &op)
{
    auto at = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(op.bitmap));
    if (op.nr_ports > 65536 || !guest_range_ok(at, (op.nr_ports + 7) / 8, 1))
        return Error::inval;
    current().io_bitmap = at;
    current().io_bitmap_ports = op.nr_ports;
    return {};
}

// For another domain, by whatever name, nothing is mapped.
Result<> check_target(domid_t domid)
{
    bool self = domid == DOMID_SELF || domid == current_domain().id;
    return current_domain().privileged && self ? Result<>{} : Error::perm;
}

Result<> map_pirq(physdev_map_pirq &op)
{
    Domain &d = current_domain();
    TRY(check_target(op.domid));
    unsigned pirq;
    switch (op.type) {
    case MAP_PIRQ_TYPE_GSI:
        if (op.index < 0 || (op.pirq >= 0 && op.pirq != op.index))
            return Error::inval;
        pirq = TRY(map_line_pirq(d, static_cast<unsigned>(op.index)));
        break;
    case MAP_PIRQ_TYPE_MSI:
    case MAP_PIRQ_TYPE_MSI_SEG:
        if (op.pirq >= 0 || op.table_base == 0)  // without a table: plain MSI
            return op.pirq >= 0 ? Error::inval : Error::opnotsupp;
        pirq = TRY(map_message_pirq(d, op));
        break;
    default: return Error::inval;
    }
    op.pirq = static_cast<std::int32_t>(pirq);
    return {};
}

Result<> unmap(physdev_unmap_pirq const &op)
{
    TRY(check_target(op.domid));
    return unmap_pirq(current_domain(), op.pirq);
}

Result<> end_of_interrupt(physdev_eoi const &op) { return end_of_pirq(current_domain(), op.irq); }

Result<> status_query(physdev_irq_status_query &op)
{
    op.flags = TRY(pirq_needs_end(current_domain(), op.irq)) ? XENIRQSTAT_needs_eoi : 0;
    return {};
}

template <class Op>
std::int32_t run(Result<> (*f)(Op &), std::uint32_t argument)
{
    Op op;
    if (!read_guest(op, argument))
        return -static_cast<std::int32_t>(Error::fault);
    Result<> r = f(op);
    if (!r.ok())
        return to_errno(r);
    return write_guest(argument, op) ? 0 : -static_cast<std::int32_t>(Error::fault);
}

template <class Op>
std::int32_t run(Result<> (*f)(Op const &), std::uint32_t argument)
{
    Op op;
    if (!read_guest(op, argument))
        return -static_cast<std::int32_t>(Error::fault);
    return to_errno(f(op));
}

}  // namespace

std::int32_t do_physdev_op(std::uint32_t cmd, std::uint32_t argument)
{
    switch (cmd) {
    case PHYSDEVOP_set_iopl: return run(set_iopl, argument);
    case PHYSDEVOP_set_iobitmap: return run(set_iobitmap, argument);
    case PHYSDEVOP_map_pirq: return run(map_pirq, argument);
    case PHYSDEVOP_unmap_pirq: return run(unmap, argument);
    case PHYSDEVOP_eoi: return run(end_of_interrupt, argument);
    case PHYSDEVOP_irq_status_query: return run(status_query, argument);
    default: return -static_cast<std::int32_t>(Error::nosys);
    }
}

std::int32_t do_physdev_op_compat(std::uint32_t op)
{
    std::uint32_t cmd;
    if (!read_guest(cmd, op))
        return -static_cast<std::int32_t>(Error::fault);
    if (cmd != PHYSDEVOP_set_iopl && cmd != PHYSDEVOP_set_iobitmap && cmd != PHYSDEVOP_irq_status_query)
        return -static_cast<std::int32_t>(Error::nosys);
    return do_physdev_op(cmd, op + offsetof(physdev_op, u));
}

}  // namespace hv
