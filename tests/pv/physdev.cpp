// SPDX-License-Identifier: MIT
// Interrupts of devices as events. A line (the real-time clock's, which every machine has): one event for each word that the
// last one is dealt with, however often the device asks. A message (an entropy device's, where there is one): the hypervisor
// writes the table and keeps the guest out of it. What is not the guest's to have is refused and changes nothing: the
// hypervisor's own lines, other domains, entries and tables that are not the device's.
#include "guest.hpp"

char const title[] = "interrupts of devices";

namespace {

// --- hypercalls ------------------------------------------------------------------------------------------------------

template <class Op>
std::int32_t physdev(unsigned cmd, Op &op)
{
    return hypercall(__HYPERVISOR_physdev_op, cmd, &op);
}

std::int32_t map_gsi(int gsi, int pirq = -1, domid_t domid = DOMID_SELF)
{
    physdev_map_pirq op{};
    op.domid = domid;
    op.type = MAP_PIRQ_TYPE_GSI;
    op.index = gsi;
    op.pirq = pirq;
    auto r = physdev(PHYSDEVOP_map_pirq, op);
    return r ? r : op.pirq;
}

std::int32_t unmap(int pirq, domid_t domid = DOMID_SELF)
{
    physdev_unmap_pirq op{domid, pirq};
    return physdev(PHYSDEVOP_unmap_pirq, op);
}

std::int32_t eoi(std::uint32_t pirq)
{
    physdev_eoi op{pirq};
    return physdev(PHYSDEVOP_eoi, op);
}

std::int32_t bind(std::uint32_t pirq, std::uint32_t flags = 0)
{
    evtchn_bind_pirq op{pirq, flags, 0};
    auto r = hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_pirq, &op);
    return r ? r : static_cast<std::int32_t>(op.port);
}

std::int32_t close(std::uint32_t port)
{
    evtchn_close op{port};
    return hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &op);
}

std::int32_t status_flags(std::uint32_t pirq)
{
    physdev_irq_status_query op{pirq, ~0u};
    auto r = physdev(PHYSDEVOP_irq_status_query, op);
    return r ? r : static_cast<std::int32_t>(op.flags);
}

bool take_event(int port)
{
    std::uint32_t bit = 1u << port % 32;
    bool was = shared.evtchn_pending[port / 32] & bit;
    shared.evtchn_pending[port / 32] &= ~bit;
    barrier();
    return was;
}

// Within 50 ms. Events stay masked: only the pending bit is looked at.
bool event_comes(int port)
{
    for (auto end = now() + 50 * ms; now() < end;) {
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield);
        if (take_event(port))
            return true;
    }
    return false;
}

bool event_stays_away(int port)
{
    for (auto end = now() + 5 * ms; now() < end;)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield);
    return !take_event(port);
}

// --- ports -------------------------------------------------------------------------------------------------------------

void out8(std::uint16_t port, std::uint8_t v) { asm volatile("outb %0, %1" ::"a"(v), "d"(port)); }
std::uint8_t in8(std::uint16_t port)
{
    std::uint8_t v;
    asm volatile("inb %1, %0" : "=a"(v) : "d"(port));
    return v;
}
void out32(std::uint16_t port, std::uint32_t v) { asm volatile("outl %0, %1" ::"a"(v), "d"(port)); }
std::uint32_t in32(std::uint16_t port)
{
    std::uint32_t v;
    asm volatile("inl %1, %0" : "=a"(v) : "d"(port));
    return v;
}

void allow_ports()
{
    physdev_set_iopl op{1};
    check(0, "set_iopl", physdev(PHYSDEVOP_set_iopl, op));
}

// --- the real-time clock: MC146818, periodic interrupt 1024 times a second until register C is read ----------------------

constexpr int rtc_line = 8;

std::uint8_t cmos(std::uint8_t index)
{
    out8(0x70, index);
    return in8(0x71);
}
void set_cmos(std::uint8_t index, std::uint8_t v)
{
    out8(0x70, index);
    out8(0x71, v);
}
void start_rtc()
{
    set_cmos(0x0a, 0x26);
    set_cmos(0x0b, static_cast<std::uint8_t>(cmos(0x0b) | 0x40));
    cmos(0x0c);
}
void stop_rtc()
{
    set_cmos(0x0b, static_cast<std::uint8_t>(cmos(0x0b) & ~0x40));
    cmos(0x0c);
}

void line()
{
    check(rtc_line, "the pirq of a line bears its number", map_gsi(rtc_line));
    check(rtc_line, "mapping it again is no error", map_gsi(rtc_line, rtc_line));
    check(XENIRQSTAT_needs_eoi, "a line wants to hear that it was dealt with", status_flags(rtc_line));
    start_rtc();
    int port = bind(rtc_line, BIND_PIRQ__WILL_SHARE);
    check_true(port > 0, "bind_pirq");
    check(-17, "binding it twice", bind(rtc_line));
    check(-16, "unmapping it while it is bound", unmap(rtc_line));
    check_true(event_comes(port), "the clock's interrupt arrives as an event");
    cmos(0x0c);
    check_true(event_stays_away(port), "not again before its eoi, though the device asks a thousand times a second");
    check(0, "eoi", eoi(rtc_line));
    check_true(event_comes(port), "then it does");
    check(0, "eoi while the device still holds the line", eoi(rtc_line));
    take_event(port);
    cmos(0x0c);
    check(0, "eoi", eoi(rtc_line));
    check_true(event_comes(port), "and goes on");
    cmos(0x0c);
    evtchn_status status{};
    status.dom = DOMID_SELF;
    status.port = static_cast<std::uint32_t>(port);
    check(0, "status", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &status));
    check(EVTCHNSTAT_pirq, "what the port is", status.status);
    check(rtc_line, "and of which interrupt", status.u.pirq);
    check(0, "close", close(static_cast<std::uint32_t>(port)));
    check(0, "eoi of what is not bound does nothing", eoi(rtc_line));
    check_true(event_stays_away(port), "a closed port hears nothing");
    port = bind(rtc_line);
    check_true(port > 0 && event_comes(port), "bound again it interrupts again, without an eoi for before");
    stop_rtc();
    check(0, "close", close(static_cast<std::uint32_t>(port)));
    check(0, "unmap", unmap(rtc_line));
    check(-22, "what is unmapped cannot be bound", bind(rtc_line));
}

void hostile_lines()
{
    for (int own : {0, 2, 4})
        check(-16, "the hypervisor's timer, cascade, serial line", map_gsi(own));
    for (int none : {16, 23, 24, 255, 256, 0x7fffffff, -1})
        check(-22, "no such line", map_gsi(none));
    check(-22, "a pirq that is not the line's number", map_gsi(5, 6));
    check(-1, "for another domain", map_gsi(5, 5, 7));
    check(-1, "for another domain", unmap(5, 7));
    for (unsigned rubbish : {5u, 16u, 24u, 63u, 64u, 4096u, ~0u}) {
        check(-22, "eoi of what is not mapped", eoi(rubbish));
        check(-22, "status of what is not mapped", status_flags(rubbish));
        check(-22, "unmapping what is not mapped", unmap(static_cast<int>(rubbish)));
        check(-22, "binding what is not mapped", bind(rubbish));
    }
    check(5, "map a line", map_gsi(5));
    check(-22, "rubbish in flags", bind(5, 2));
    check(0, "unmap", unmap(5));
    physdev_map_pirq op{};
    op.domid = DOMID_SELF;
    for (int type : {MAP_PIRQ_TYPE_UNKNOWN, MAP_PIRQ_TYPE_MULTI_MSI, 5, -1}) {
        op.type = type;
        check(-22, "a type that is not there", physdev(PHYSDEVOP_map_pirq, op));
    }
    for (unsigned cmd : {PHYSDEVOP_map_pirq, PHYSDEVOP_unmap_pirq, PHYSDEVOP_eoi, PHYSDEVOP_irq_status_query})
        for (std::uint32_t address : {0xf5800000u, 0xfffffffcu, 0xfc000000u})
            check(-14, "an argument in the hypervisor", hypercall(__HYPERVISOR_physdev_op, cmd, address));
    check(-38, "a command that is not there", hypercall(__HYPERVISOR_physdev_op, 0x7777, &op));
    check(rtc_line, "map", map_gsi(rtc_line));
    for (int i = 0; i < 3000; ++i) {
        int port = bind(rtc_line);
        if (port <= 0 || close(static_cast<std::uint32_t>(port)) != 0)
            return failure("bind and close, round %d: %d", i, port);
    }
    check(0, "unmap", unmap(rtc_line));
}

// --- configuration space -------------------------------------------------------------------------------------------------

std::uint32_t config(unsigned devfn, unsigned offset)
{
    out32(0xcf8, 1u << 31 | devfn << 8 | offset);
    return in32(0xcfc);
}
void set_config(unsigned devfn, unsigned offset, std::uint32_t v)
{
    out32(0xcf8, 1u << 31 | devfn << 8 | offset);
    out32(0xcfc, v);
}

void configuration()
{
    check_true(config(0, 0) != ~0u, "the host bridge answers");
    check(0xff, "the reset register does not", in8(0xcf9));
    out8(0xcf9, 6);  // would end the test
    for (unsigned own : {0x20, 0x21, 0xa0, 0xa1, 0x40, 0x43, 0x3f8, 0x4d0})
        check(0xff, "nor does what the hypervisor keeps", in8(static_cast<std::uint16_t>(own)));
}

// --- an entropy device: virtio 1.1, 4.1 and 5.4 ----------------------------------------------------------------------------

alignas(4096) std::uint8_t common_page[4096], doorbell_page[4096], table_page[4096];
alignas(4096) struct {
    struct {
        std::uint64_t address;
        std::uint32_t bytes;
        std::uint16_t flags, next;
    } descriptor[2];
    std::uint16_t available[8];  // flags, index, ring[2], used_event
    std::uint32_t used[8];
    std::uint8_t random[64];
} queue;

struct Place {
    std::uint64_t address;
    std::uint32_t offset_in_page;
};

unsigned find_device()
{
    for (unsigned devfn = 0; devfn < 256; devfn += 8)
        if (config(devfn, 0) == 0x10441af4 || config(devfn, 0) == 0x10051af4)
            return devfn;
    return 0;
}

unsigned find_capability(unsigned devfn, unsigned id, int virtio_type = -1)
{
    for (unsigned at = config(devfn, 0x34) & 0xfc; at; at = config(devfn, at) >> 8 & 0xfc)
        if ((config(devfn, at) & 0xff) == id
            && (virtio_type < 0 || config(devfn, at) >> 24 == static_cast<unsigned>(virtio_type)))
            return at;
    return 0;
}

Place in_bar(unsigned devfn, unsigned bar, std::uint32_t offset)
{
    std::uint64_t low = config(devfn, 0x10 + 4 * bar);
    std::uint64_t high = (low & 6) == 4 ? config(devfn, 0x14 + 4 * bar) : 0;
    std::uint64_t address = (high << 32 | (low & ~15ull)) + offset;
    return {address, static_cast<std::uint32_t>(address & 0xfff)};
}

std::int32_t map_page(void *page, std::uint64_t address, std::uint64_t bits)
{
    std::uint64_t pte = (address & ~0xfffull) | bits | 0x10;  // PCD
    return hypercall(__HYPERVISOR_update_va_mapping, page, static_cast<std::uint32_t>(pte),
                     static_cast<std::uint32_t>(pte >> 32), UVMF_INVLPG);
}

std::int32_t map_message(unsigned devfn, int entry, std::uint64_t table, int pirq = -1, int bus = 0)
{
    physdev_map_pirq op{};
    op.domid = DOMID_SELF;
    op.type = MAP_PIRQ_TYPE_MSI_SEG;
    op.index = -1;
    op.pirq = pirq;
    op.bus = bus;
    op.devfn = static_cast<std::int32_t>(devfn);
    op.entry_nr = entry;
    op.table_base = table;
    auto r = physdev(PHYSDEVOP_map_pirq, op);
    return r ? r : op.pirq;
}

template <class T>
T volatile &reg(std::uint8_t *page, Place p, unsigned offset)
{
    return *reinterpret_cast<T volatile *>(page + p.offset_in_page + offset);
}

std::uint64_t machine(void const *p)
{
    return std::uint64_t{mfn_of(p)} << 12 | (reinterpret_cast<std::uintptr_t>(p) & 0xfff);
}

// Its queue 0 with two descriptors, messages on entry 0.
void start_device(unsigned devfn, Place common)
{
    auto &status = reg<std::uint8_t>(common_page, common, 20);
    status = 0;
    status = 3;
    reg<std::uint32_t>(common_page, common, 8) = 1;  // feature bits 32 ..: VERSION_1
    reg<std::uint32_t>(common_page, common, 12) = 1;
    status = 11;
    check_true(status & 8, "the device takes VERSION_1");
    reg<std::uint16_t>(common_page, common, 22) = 0;
    reg<std::uint16_t>(common_page, common, 24) = 2;
    reg<std::uint16_t>(common_page, common, 26) = 0;
    std::uint64_t const parts[] = {machine(queue.descriptor), machine(queue.available), machine(queue.used)};
    for (unsigned i = 0; i < 3; ++i) {
        reg<std::uint32_t>(common_page, common, 32 + 8 * i) = static_cast<std::uint32_t>(parts[i]);
        reg<std::uint32_t>(common_page, common, 36 + 8 * i) = static_cast<std::uint32_t>(parts[i] >> 32);
    }
    reg<std::uint16_t>(common_page, common, 28) = 1;
    status = 15;
    (void)devfn;
}

void ask_device(Place doorbell)
{
    static std::uint16_t asked = 0;
    queue.descriptor[0] = {machine(queue.random), sizeof queue.random, 2, 0};
    queue.available[2 + asked % 2] = 0;
    barrier();
    queue.available[1] = ++asked;
    barrier();
    reg<std::uint16_t>(doorbell_page, doorbell, 0) = 0;
}

void hostile_messages(unsigned devfn, std::uint64_t table, int entries)
{
    check(-22, "an entry beyond the table", map_message(devfn, entries, table));
    check(-22, "an entry below it", map_message(devfn, -1, table));
    check(-22, "an entry far beyond", map_message(devfn, 0x7fffffff, table));
    check(-22, "a table elsewhere", map_message(devfn, 0, table + 4096));
    check(-22, "a table in RAM", map_message(devfn, 0, machine(queue.random) & ~0xfffull));
    check(-22, "a table in the local APIC", map_message(devfn, 0, 0xfee00000));
    check(-22, "a pirq of the guest's choice", map_message(devfn, 0, table, 30));
    check(-95, "no table: plain MSI", map_message(devfn, 0, 0));
    check(-19, "a function that is not there", map_message(0xf9, 0, table));
    check(-19, "a function without MSI-X", map_message(0, 0, table));
    check(-19, "a bus that is not there", map_message(devfn, 0, table, -1, 77));
    check(-19, "another segment", map_message(devfn, 0, table, -1, 0x10000));
    check(-19, "a devfn that is none", map_message(256, 0, table));
    // The table moved onto RAM and onto the APIC: what configuration space says is not enough.
    unsigned bar = 0x10 + 4 * (config(devfn, find_capability(devfn, 0x11) + 4) & 7);
    std::uint32_t old = config(devfn, bar), command = config(devfn, 4);
    set_config(devfn, 4, command & ~2u);
    for (std::uint32_t base : {static_cast<std::uint32_t>(machine(table_page) & ~0xfffull), 0xfee00000u, 0xfec00000u}) {
        set_config(devfn, bar, base);
        if ((config(devfn, bar) & ~15u) == base)
            check(-1, "a table where the guest may not write", map_message(devfn, 0, base));
    }
    set_config(devfn, bar, old);
    check(-6, "a function that does not answer in memory", map_message(devfn, 0, table));
    set_config(devfn, 4, command);
}

void messages()
{
    unsigned devfn = find_device();
    if (!devfn)
        return print("  no entropy device: messages are not tested\n");
    set_config(devfn, 4, (config(devfn, 4) & 0xffff) | 6);
    unsigned msix = find_capability(devfn, 0x11), where = config(devfn, msix + 4);
    int entries = static_cast<int>(config(devfn, msix) >> 16 & 0x7ff) + 1;
    Place table = in_bar(devfn, where & 7, where & ~7u);
    unsigned cap = find_capability(devfn, 9, 1);
    Place common = in_bar(devfn, config(devfn, cap + 4) & 7, config(devfn, cap + 8));
    cap = find_capability(devfn, 9, 2);
    Place doorbell = in_bar(devfn, config(devfn, cap + 4) & 7, config(devfn, cap + 8));
    check(0, "map the device's registers", map_page(common_page, common.address, 3));
    check(0, "and its doorbells", map_page(doorbell_page, doorbell.address, 3));
    hostile_messages(devfn, table.address, entries);

    int pirq = map_message(devfn, 0, table.address);
    check_true(pirq >= 24, "a pirq for a message");
    check(-17, "its entry cannot be had twice", map_message(devfn, 0, table.address));
    check(0, "a message needs no eoi", status_flags(static_cast<std::uint32_t>(pirq)));
    check(-1, "its table cannot be mapped writable", map_page(table_page, table.address, 3));
    check(0, "but to look at", map_page(table_page, table.address, 1));
    int port = bind(static_cast<std::uint32_t>(pirq));
    check_true(port > 0, "bind");
    check(0, "the entry is unmasked", reg<std::uint32_t>(table_page, table, 12) & 1);
    check(0xfee00000, "it reaches the local APIC", reg<std::uint32_t>(table_page, table, 0) & 0xfff00000);
    unsigned vector = reg<std::uint32_t>(table_page, table, 8);
    check_true(vector >= 0x30 && vector < 0x80, "with a vector of the hypervisor's choice");
    start_device(devfn, common);
    for (int i = 0; i < 3; ++i) {
        ask_device(doorbell);
        check_true(event_comes(port), "the device's message arrives as an event");
    }
    check(0, "an eoi does no harm", eoi(static_cast<std::uint32_t>(pirq)));
    check(0, "close", close(static_cast<std::uint32_t>(port)));
    check(1, "the entry is masked again", reg<std::uint32_t>(table_page, table, 12) & 1);
    ask_device(doorbell);
    check_true(event_stays_away(port), "and nothing arrives");
    check(0, "unmap", unmap(pirq));
    check(pirq, "then it can be had again", map_message(devfn, 0, table.address));
    check(0, "unmap", unmap(pirq));
    reg<std::uint8_t>(common_page, common, 20) = 0;
}

}  // namespace

void test_main()
{
    event_mask() = 1;
    allow_ports();
    line();
    hostile_lines();
    configuration();
    messages();
    success();
}
