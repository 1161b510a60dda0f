// SPDX-License-Identifier: MIT
// A domain without devices reaches none: no port answers it, whatever I/O privilege it asked for; no device's memory can be
// mapped; no interrupt can be had, nor ended while it is domain 0's.
#include "domu.hpp"
#include "mmu.hpp"

char const title[] = "devices and other domains";

namespace {

constexpr std::uint32_t clock_line = 8;
alignas(4096) std::uint8_t volatile window[4096];

template <class Op>
std::int32_t physdev(unsigned cmd, Op &op)
{
    return hypercall(__HYPERVISOR_physdev_op, cmd, &op);
}

std::int32_t map_line(std::uint32_t line, domid_t domid = DOMID_SELF)
{
    physdev_map_pirq op{};
    op.domid = domid;
    op.type = MAP_PIRQ_TYPE_GSI;
    op.index = op.pirq = static_cast<std::int32_t>(line);
    return physdev(PHYSDEVOP_map_pirq, op);
}

std::int32_t bind(std::uint32_t pirq, std::uint32_t *port)
{
    evtchn_bind_pirq op{pirq, 0, 0};
    auto r = hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_pirq, &op);
    *port = op.port;
    return r;
}

std::uint32_t in32(std::uint16_t port)
{
    std::uint32_t v;
    asm volatile("inl %1, %0" : "=a"(v) : "d"(port));
    return v;
}
void out32(std::uint16_t port, std::uint32_t v) { asm volatile("outl %0, %1" ::"a"(v), "d"(port)); }

void ports()
{
    physdev_set_iopl op{1};
    check(0, "set_iopl", physdev(PHYSDEVOP_set_iopl, op));
    out32(0xcf8, 1u << 31);
    check(~0u, "configuration space does not answer", in32(0xcfc));
    for (std::uint16_t port : {std::uint16_t{0x70}, std::uint16_t{0x1f0}, std::uint16_t{0xcf8}, std::uint16_t{0xc000}})
        check(~0u, "a port does not answer", in32(port));
}

void memory()
{
    for (std::uint32_t frame : {0xa0u, 0xb8u, 0xf0u, 0xfeb00u, 0xfec00u, 0xfee00u, 0xfffffu, 0x100000u, 0xffffffu}) {
        mmu::refused("a device's memory", mmu::map(window, mmu::entry(frame, mmu::P | mmu::RW)));
        mmu::refused("a device's memory, to look at", mmu::map(window, mmu::entry(frame, mmu::P)));
    }
}

void child()
{
    ports();
    memory();
    check(-1, "a line", map_line(5));
    check(-1, "a line that is domain 0's", map_line(clock_line));
    check(-1, "a line for domain 0", map_line(clock_line, 0));
    physdev_map_pirq message{};
    message.domid = DOMID_SELF;
    message.type = MAP_PIRQ_TYPE_MSI_SEG;
    message.pirq = -1;
    message.table_base = 0xfebf0000;
    check(-1, "a message", physdev(PHYSDEVOP_map_pirq, message));
    physdev_unmap_pirq unmap{DOMID_SELF, static_cast<std::int32_t>(clock_line)};
    check(-1, "unmapping what is domain 0's", physdev(PHYSDEVOP_unmap_pirq, unmap));
    physdev_eoi eoi{clock_line};
    check(-22, "ending it", physdev(PHYSDEVOP_eoi, eoi));
    physdev_irq_status_query query{clock_line, 0};
    check(-22, "asking about it", physdev(PHYSDEVOP_irq_status_query, query));
    std::uint32_t port;
    check(-1, "binding it", bind(clock_line, &port));
    success();
}

}  // namespace

void test_main()
{
    check(0, "domain 0 takes a line", map_line(clock_line));
    std::uint32_t port = 0;
    check(0, "and binds it", bind(clock_line, &port));
    domu::give_memory_back();
    domu::run(child);
    evtchn_status status{};
    status.dom = DOMID_SELF;
    status.port = port;
    check(0, "status", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &status));
    check(EVTCHNSTAT_pirq, "it is still domain 0's", status.status);
    success();
}
