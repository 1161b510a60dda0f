// SPDX-License-Identifier: MIT
// physdev_op: I/O privilege. Interrupts of devices (pirqs) are not given out yet.
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/percpu.hpp>
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
    default: return -static_cast<std::int32_t>(Error::nosys);
    }
}

std::int32_t do_physdev_op_compat(std::uint32_t op)
{
    std::uint32_t cmd;
    if (!read_guest(cmd, op))
        return -static_cast<std::int32_t>(Error::fault);
    if (cmd != PHYSDEVOP_set_iopl && cmd != PHYSDEVOP_set_iobitmap)
        return -static_cast<std::int32_t>(Error::nosys);
    return do_physdev_op(cmd, op + offsetof(physdev_op, u));
}

}  // namespace hv
