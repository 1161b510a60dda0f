// SPDX-License-Identifier: MIT
// physdev_op as a guest with devices uses it; include/pv/physdev.h.
#pragma once
#include <pv/physdev.h>
#include <pvlib/hypercall.hpp>

namespace pv {
inline Result<> physdev_op(Word command, void *argument)
{
    return checked(call<__HYPERVISOR_physdev_op>(command, word(argument)));
}

// A pirq: the hypervisor's name for an interrupt of the machine.
using Pirq = std::int32_t;

// The line with that GSI; the pirq bears its number.
inline Result<Pirq> map_gsi(unsigned gsi)
{
    physdev_map_pirq op{};
    op.domid = DOMID_SELF;
    op.type = MAP_PIRQ_TYPE_GSI;
    op.index = op.pirq = static_cast<Pirq>(gsi);
    TRY(physdev_op(PHYSDEVOP_map_pirq, &op));
    return op.pirq;
}
// An entry of the MSI-X table at that machine address; the hypervisor writes it.
inline Result<Pirq> map_message(std::uint8_t bus, std::uint8_t devfn, unsigned entry, Maddr table)
{
    physdev_map_pirq op{};
    op.domid = DOMID_SELF;
    op.type = MAP_PIRQ_TYPE_MSI_SEG;
    op.index = op.pirq = -1;
    op.bus = bus;
    op.devfn = devfn;
    op.entry_nr = static_cast<std::int32_t>(entry);
    op.table_base = table.raw();
    TRY(physdev_op(PHYSDEVOP_map_pirq, &op));
    return op.pirq;
}
inline Result<> unmap_pirq(Pirq pirq)
{
    physdev_unmap_pirq op{DOMID_SELF, pirq};
    return physdev_op(PHYSDEVOP_unmap_pirq, &op);
}
inline bool pirq_needs_eoi(Pirq pirq)
{
    physdev_irq_status_query op{static_cast<std::uint32_t>(pirq), 0};
    return physdev_op(PHYSDEVOP_irq_status_query, &op).ok() && (op.flags & XENIRQSTAT_needs_eoi);
}
inline void end_of_pirq(Pirq pirq)
{
    physdev_eoi op{static_cast<std::uint32_t>(pirq)};
    (void)physdev_op(PHYSDEVOP_eoi, &op);
}
}  // namespace pv
