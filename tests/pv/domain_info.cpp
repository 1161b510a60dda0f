// SPDX-License-Identifier: MIT
// What domain 0 can ask and set: lists of domains, the machine's facts, a domain's name, clock, limits, affinity, pauses that count, a shutdown
// taken back. What is not there is said not to be there; nobody but domain 0 may ask.
#include "domu.hpp"
#include <cstring>

char const title[] = "questions about domains and machine";

namespace {

using namespace domu;

DOM0_ONLY xen_domctl_getdomaininfo list[80];
DOM0_ONLY Child many[20];

unsigned list_from(domid_t first, unsigned most)
{
    xen_sysctl op{};
    op.u.getdomaininfolist.first_domain = first;
    op.u.getdomaininfolist.max_domains = most;
    set_xen_guest_handle_64(op.u.getdomaininfolist.buffer, list);
    check(0, "getdomaininfolist", sysctl(XEN_SYSCTL_getdomaininfolist, op));
    return op.u.getdomaininfolist.num_domains;
}

void lists()
{
    for (Child &c : many)
        build(
            c, [] {}, 2);
    check(21, "domains", list_from(0, 80));
    check(0, "the first", list[0].domain);
    check_true(list[0].flags & XEN_DOMINF_running, "which asks, and so runs");
    for (unsigned i = 0; i < 20; ++i) {
        check(many[i].id, "in order of their ids", list[i + 1].domain);
        check(1, "the highest vCPU", list[i + 1].max_vcpu_id);
        check(many[i].pages, "pages", static_cast<std::int64_t>(list[i + 1].tot_pages));
    }
    check(5, "no more than asked for", list_from(0, 5));
    check(20, "from one on", list_from(many[0].id, 80));
    check(0, "from beyond the last", list_from(static_cast<domid_t>(many[19].id + 1), 80));
    xen_sysctl op{};
    op.u.getdomaininfolist.max_domains = 3;
    op.u.getdomaininfolist.buffer.q = 0xfe000000;
    check(-XEN_EFAULT, "a list in the hypervisor", sysctl(XEN_SYSCTL_getdomaininfolist, op));
    check(many[3].id, "the next above an id that is none", (destroy(many[2]), info_of(many[2].id).domain));
    for (Child &c : many)
        if (&c != &many[2])
            destroy(c);
}

void machine()
{
    xen_sysctl op{};
    check(0, "physinfo", sysctl(XEN_SYSCTL_physinfo, op));
    auto const &p = op.u.physinfo;
    check(1, "processors", p.nr_cpus);
    check_true(p.total_pages > p.free_pages && p.total_pages < (64 << 8), "pages");
    check_true(p.cpu_khz > 1000, "a clock");
    check(XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1, "what it can do", p.capabilities);
    check_true(p.hw_cap[0] & 1u << 6, "the processor has PAE");
    std::uint64_t free = p.free_pages;
    check(0, "sched_id", sysctl(XEN_SYSCTL_sched_id, op));
    check(XEN_SCHEDULER_CREDIT, "the scheduler", op.u.sched_id.sched_id);
    op.u.availheap = {0, 0, -1, 0};
    check(0, "availheap", sysctl(XEN_SYSCTL_availheap, op));
    check(static_cast<std::int64_t>(free << 12), "bytes", static_cast<std::int64_t>(op.u.availheap.avail_bytes));
    xen_sysctl_cpuinfo cpu[2]{};
    op.u.getcpuinfo.max_cpus = 2;
    set_xen_guest_handle_64(op.u.getcpuinfo.info, cpu);
    check(0, "getcpuinfo", sysctl(XEN_SYSCTL_getcpuinfo, op));
    std::uint64_t idle = cpu[0].idletime;
    auto more_idle = [&] {
        check(0, "getcpuinfo", sysctl(XEN_SYSCTL_getcpuinfo, op));
        return cpu[0].idletime > idle;
    };
    check_true(wait_until(more_idle), "sleeping counts as idle time");
    xen_sysctl_cputopo topology[2]{};
    op.u.cputopoinfo.num_cpus = 2;
    set_xen_guest_handle_64(op.u.cputopoinfo.cputopo, topology);
    check(0, "cputopoinfo", sysctl(XEN_SYSCTL_cputopoinfo, op));
    check(1, "processors", op.u.cputopoinfo.num_cpus);
    op.u.cpupool_op = {};
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    check(0, "cpupool_op", sysctl(XEN_SYSCTL_cpupool_op, op));
    check(1, "domains in the pool", op.u.cpupool_op.n_dom);
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
    check(-XEN_EOPNOTSUPP, "another pool", sysctl(XEN_SYSCTL_cpupool_op, op));
    check(-XEN_ENOSYS, "power management", sysctl(XEN_SYSCTL_pm_op, op));
}

void log_of_the_hypervisor()
{
    static char text[4096];
    xen_sysctl op{};
    set_xen_guest_handle_64(op.u.readconsole.buffer, text);
    op.u.readconsole.count = sizeof text;
    check(0, "readconsole", sysctl(XEN_SYSCTL_readconsole, op));
    check_true(op.u.readconsole.count > 20 && !std::strncmp(text, "(hv) ", 5), "begins with its first line");
    op.u.readconsole.incremental = 1;
    op.u.readconsole.count = sizeof text;
    check(0, "goes on", sysctl(XEN_SYSCTL_readconsole, op));
    check(0, "where nothing new is", op.u.readconsole.count);
}

void names_and_limits()
{
    Child c;
    create(c);
    xen_domctl op{};
    std::memcpy(op.u.setdomainhandle.handle, "a name of 16 byt", 16);
    check(0, "setdomainhandle", domctl(XEN_DOMCTL_setdomainhandle, c.id, op));
    check_true(!std::memcmp(info_of(c.id).handle, "a name of 16 byt", 16), "it is its name");
    op.u.max_vcpus.max = 2;
    check(-XEN_EINVAL, "more vCPUs than at its creation", domctl(XEN_DOMCTL_max_vcpus, c.id, op));
    op.u.max_mem.max_memkb = 4;
    check(0, "less memory than it has", domctl(XEN_DOMCTL_max_mem, c.id, op));
    std::uint32_t frame = 0;
    xen_memory_reservation r{};
    r.extent_start = &frame;
    r.nr_extents = 1;
    r.domid = c.id;
    check(0, "so it gets no more", hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r));
    op.u.max_mem.max_memkb = ~0ull;
    check(0, "no limit", domctl(XEN_DOMCTL_max_mem, c.id, op));
    r.mem_flags = XENMEMF_address_bits(12);
    check(0, "memory at addresses of 12 bits", hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r));
    check(c.pages, "none of it was kept", static_cast<std::int64_t>(info_of(c.id).tot_pages));
    op.u.address_size.size = 64;
    check(-XEN_EINVAL, "64 bits", domctl(XEN_DOMCTL_set_address_size, c.id, op));
    op.u.address_size.size = 32;
    check(0, "32 bits", domctl(XEN_DOMCTL_set_address_size, c.id, op));
    op.u.address_size.size = 0;
    check(0, "asks for them", domctl(XEN_DOMCTL_get_address_size, c.id, op));
    check(32, "bits", op.u.address_size.size);
    op.u.iomem_permission = {0xfd000, 1, 1};
    check(-XEN_EOPNOTSUPP, "device memory", domctl(XEN_DOMCTL_iomem_permission, c.id, op));
    op.u.iomem_permission.allow_access = 0;
    check(0, "none of it", domctl(XEN_DOMCTL_iomem_permission, c.id, op));
    op.u.ioport_permission = {0x80, 1, 1};
    check(-XEN_EOPNOTSUPP, "ports", domctl(XEN_DOMCTL_ioport_permission, c.id, op));
    op.u.hypercall_init.gmfn = c.table(l3);
    check(0, "hypercall_init", domctl(XEN_DOMCTL_hypercall_init, c.id, op));
    op.u.hypercall_init.gmfn = 0x100;
    check(-XEN_EINVAL, "into the hypervisor", domctl(XEN_DOMCTL_hypercall_init, c.id, op));
    op.u.hypercall_init.gmfn = 1ull << 32 | c.table(l3);
    check(-XEN_EINVAL, "beyond memory", domctl(XEN_DOMCTL_hypercall_init, c.id, op));
    op.u.getvcpuinfo.vcpu = 0;
    check(0, "getvcpuinfo", domctl(XEN_DOMCTL_getvcpuinfo, c.id, op));
    check(0, "it is not online", op.u.getvcpuinfo.online);
    op.u.getvcpuinfo.vcpu = 1;
    check(-XEN_EINVAL, "of one that cannot be", domctl(XEN_DOMCTL_getvcpuinfo, c.id, op));
    destroy(c);
}

void affinity()
{
    Child c;
    create(c);
    std::uint8_t hard[8] = {0xff, 0xff}, soft[8] = {0xff, 0xff};
    xen_domctl op{};
    auto &a = op.u.vcpuaffinity;
    a.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    a.cpumap_hard.nr_bits = a.cpumap_soft.nr_bits = 64;
    set_xen_guest_handle_64(a.cpumap_hard.bitmap, hard);
    set_xen_guest_handle_64(a.cpumap_soft.bitmap, soft);
    check(0, "getvcpuaffinity", domctl(XEN_DOMCTL_getvcpuaffinity, c.id, op));
    check(1, "processor 0", hard[0]);
    check(0, "no other", hard[1]);
    check(0, "setvcpuaffinity", domctl(XEN_DOMCTL_setvcpuaffinity, c.id, op));
    hard[0] = 2;
    check(-XEN_EINVAL, "only a processor that is not there", domctl(XEN_DOMCTL_setvcpuaffinity, c.id, op));
    a.flags = 0;
    check(-XEN_EINVAL, "no map", domctl(XEN_DOMCTL_setvcpuaffinity, c.id, op));
    destroy(c);
}

void tell_the_time()
{
    mailbox.word[0] = shared.wc_sec;
    success();
}

void clock()
{
    Child c;
    build(c, tell_the_time);
    xen_domctl op{};
    op.u.settimeoffset.time_offset_seconds = -3600;
    check(0, "settimeoffset", domctl(XEN_DOMCTL_settimeoffset, c.id, op));
    start(c);
    wait_end(c);
    check(shared.wc_sec - 3600, "its clock", c.box->word[0]);
    destroy(c);
    op.u.tsc_info.tsc_mode = 1;
    create(c);
    check(-XEN_EOPNOTSUPP, "an emulated time-stamp counter", domctl(XEN_DOMCTL_settscinfo, c.id, op));
    check(0, "gettscinfo", domctl(XEN_DOMCTL_gettscinfo, c.id, op));
    check(0, "the machine's own", op.u.tsc_info.tsc_mode);
    destroy(c);
}

void count_up()
{
    for (;;)
        mailbox.word[0] = mailbox.word[0] + 1;
}

bool runs(Child const &c)
{
    std::uint32_t before = c.box->word[0];
    sleep_ms(5);
    return c.box->word[0] != before;
}

void pauses()
{
    Child c;
    build(c, count_up);
    check(0, "pauses what is paused", domctl(XEN_DOMCTL_pausedomain, c.id));
    start(c);
    check_true(!runs(c), "one of two pauses taken back");
    start(c);
    check_true(runs(c), "both");
    check(-XEN_EINVAL, "one more", domctl(XEN_DOMCTL_unpausedomain, c.id));
    for (unsigned i = 0; i < 255; ++i)
        check(0, "pause", domctl(XEN_DOMCTL_pausedomain, c.id));
    check(-XEN_EOVERFLOW, "too many", domctl(XEN_DOMCTL_pausedomain, c.id));
    check_true(!runs(c), "it stands still");
    destroy(c);
}

void suspend()
{
    sched_shutdown op{SHUTDOWN_suspend};
    mailbox.word[0] = 1;
    check(0, "shutdown", hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &op));
    mailbox.word[0] = 2;
    success();
}

void taken_back()
{
    Child c;
    build_and_start(c, suspend);
    wait_end(c);
    check(SHUTDOWN_suspend, "suspended", shutdown_reason(c.id));
    check(1, "it stands at its call", c.box->word[0]);
    check(0, "resumedomain", domctl(XEN_DOMCTL_resumedomain, c.id));
    check_true(wait_until([&c] { return c.box->word[0] == 2; }), "and goes on");
    wait_end(c);
    collect(c);
    destroy(c);
}

}  // namespace

void test_main()
{
    machine();
    give_memory_back();
    lists();
    log_of_the_hypervisor();
    names_and_limits();
    affinity();
    clock();
    pauses();
    taken_back();
    success();
}
