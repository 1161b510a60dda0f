// SPDX-License-Identifier: MIT
// Devices: ports, and memory that they reach.
#include <arch/boot.hpp>
#include <arch/device.hpp>
#include <lib/panic.hpp>
#include <pv/physdev.h>
#include <pvlib/physdev.hpp>
#include <pvlib/shared.hpp>

namespace arch {
// Ring 1 may use ports where its virtual I/O privilege level says so; the processor's own stays 0, and each in and out is
// emulated.
bool claim_devices()
{
    static constinit bool asked = false, ours = false;
    if (asked)
        return ours;
    asked = true;
    physdev_set_iopl ring1{1};
    ours = pv::is_initial_domain() && pv::physdev_op(PHYSDEVOP_set_iopl, &ring1).ok();
    return ours;
}

std::uint32_t port_read(std::uint16_t port, unsigned bytes)
{
    std::uint32_t v = 0;
    switch (bytes) {
    case 1: asm volatile("inb %1, %b0" : "+a"(v) : "d"(port)); break;
    case 2: asm volatile("inw %1, %w0" : "+a"(v) : "d"(port)); break;
    default: asm volatile("inl %1, %0" : "+a"(v) : "d"(port)); break;
    }
    return v;
}

void port_write(std::uint16_t port, unsigned bytes, std::uint32_t value)
{
    switch (bytes) {
    case 1: asm volatile("outb %b0, %1" ::"a"(value), "d"(port)); break;
    case 2: asm volatile("outw %w0, %1" ::"a"(value), "d"(port)); break;
    default: asm volatile("outl %0, %1" ::"a"(value), "d"(port)); break;
    }
}

namespace {
Vaddr linear(Pfn f) { return linear_base + (f.raw() << page_shift); }

void map_linear(Pfn f, Pte entry)
{
    auto r = pv::update_va_mapping(linear(f), entry, UVMF_INVLPG);
    if (!r.ok())
        panic("the hypervisor refuses a page of the linear map: error %d", to_errno(r));
}
}  // namespace

// The frames are exchanged for a run of the machine's: nothing may map them meanwhile, not even the linear map.
Result<> make_contiguous(Pfn first, unsigned order)
{
    constexpr unsigned most = 6;
    if (order == 0)
        return {};
    if (order > most)
        return Error::nomem;
    auto frames = const_cast<Mfn *>(phys_to_machine) + first.raw();  // the builder's list is ours to write
    xen_pfn_t given[1u << most], place = first.raw();
    for (unsigned i = 0; i < 1u << order; ++i) {
        given[i] = frames[i].raw();
        map_linear(first + i, Pte{});
    }
    xen_memory_exchange op{};
    op.in.extent_start = given;
    op.in.nr_extents = 1u << order;
    op.in.domid = DOMID_SELF;
    op.out.extent_start = &place;
    op.out.nr_extents = 1;
    op.out.extent_order = order;
    op.out.domid = DOMID_SELF;
    auto r = pv::checked(pv::memory_op(XENMEM_exchange, &op));
    bool exchanged = op.nr_exchanged == 1u << order;
    for (unsigned i = 0; i < 1u << order; ++i) {
        if (exchanged)
            frames[i] = Mfn{place + i};
        map_linear(first + i, Pte{frames[i], Pte::P | Pte::RW | Mmu::no_execute()});
    }
    if (exchanged)
        return {};
    return r.ok() ? Error::nomem : r.error();
}
}  // namespace arch
