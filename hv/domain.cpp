// SPDX-License-Identifier: MIT
// Domains and vCPUs from their creation to their end.
#include <cstdarg>
#include <hv/cpu.hpp>
#include <hv/descriptor.hpp>
#include <hv/event.hpp>
#include <hv/frames.hpp>
#include <hv/heap.hpp>
#include <hv/log.hpp>
#include <hv/memory.hpp>
#include <hv/percpu.hpp>
#include <hv/power.hpp>
#include <hv/schedule.hpp>
#include <hv/tables.hpp>
#include <hv/time.hpp>
#include <hv/tlb.hpp>
#include <hv/trap.hpp>
#include <hv/vcpu_context.hpp>
#include <lib/format.hpp>
#include <new>
#include <pv/sched.h>

namespace hv {
namespace {

// Room below Vcpu::regs for what may interrupt the first and last instructions of entry.S: two nested frames and more.
struct VcpuStorage {
    std::uint8_t entry_red_zone[512];
    Vcpu vcpu;
};
static_assert(offsetof(VcpuStorage, vcpu) == 512 && sizeof(GuestRegs) * 4 <= 512);

constexpr unsigned order_for(std::size_t bytes)
{
    unsigned order = 0;
    while ((std::size_t{page_size} << order) < bytes)
        ++order;
    return order;
}
constexpr unsigned vcpu_order = order_for(sizeof(VcpuStorage));
constexpr unsigned domain_order = order_for(sizeof(Domain));
constexpr unsigned reserved_gdt_page = FIRST_RESERVED_GDT_PAGE;

Cpu the_cpu;
bool window_used[max_vcpus];

Result<unsigned> take_window()
{
    for (unsigned i = 0; i < max_vcpus; ++i)
        if (!window_used[i]) {
            window_used[i] = true;
            return i;
        }
    return Error::nospc;
}

Result<Vcpu *> create_vcpu(Domain &d, unsigned id)
{
    unsigned window = TRY(take_window());
    void *memory = allocate_pages(vcpu_order);
    if (!memory) {
        window_used[window] = false;
        return Error::nomem;
    }
    Vcpu &v = (new (memory) VcpuStorage)->vcpu;
    v.domain = &d;
    v.id = id;
    v.window = window;
    v.info = &d.shared->vcpu_info[id];
    v.info->evtchn_upcall_mask = 1;
    v.state_entered_ns = now_ns();
    map_descriptor_window(v, reserved_gdt_page, reserved_gdt_frame());
    return &v;
}

void destroy_vcpu(Vcpu &v)
{
    Cpu &cpu = this_cpu();
    narrow_segments(v);
    fpu_release(v);
    release_ldt(v);
    release_gdt(v);
    unmap_descriptor_window(v, reserved_gdt_page);
    if (cpu.current == &v) {
        cpu.current = nullptr;
        cpu.idle = true;
        load_idle_root();
        use_boot_tables();
    }
    window_used[v.window] = false;
    auto storage = reinterpret_cast<std::uint8_t *>(&v) - offsetof(VcpuStorage, vcpu);
    free_pages(storage, vcpu_order);
}

void link(Domain &d)
{
    Domain **at = &domain_list;
    while (*at && (*at)->id < d.id)
        at = &(*at)->next;
    d.next = *at;
    *at = &d;
}

void unlink(Domain &d)
{
    for (Domain **at = &domain_list; *at; at = &(*at)->next)
        if (*at == &d) {
            *at = d.next;
            return;
        }
}

void free_domain(Domain &d)
{
    for (Vcpu *&v : d.vcpus)
        if (v) {
            destroy_vcpu(*v);
            v = nullptr;
        }
    if (d.shared)
        unshare_frame(d.shared);
    free_pages(&d, domain_order);
}

char const *reason_name(unsigned reason)
{
    constexpr char const *names[] = {"power off", "reboot", "suspend", "crash", "watchdog", "soft reset"};
    return reason < std::size(names) ? names[reason] : "unknown reason";
}

}  // namespace

Domain *domain_list;

Cpu &this_cpu() { return the_cpu; }
Vcpu &current() { return *the_cpu.current; }

Domain *find_domain(DomainId id)
{
    for (Domain *d = domain_list; d; d = d->next)
        if (d->id == id)
            return d;
    return nullptr;
}

Result<Domain *> create_domain(DomainId id, unsigned vcpus)
{
    if (vcpus == 0 || vcpus > max_vcpus_per_domain || id >= DOMID_FIRST_RESERVED)
        return Error::inval;
    if (find_domain(id))
        return Error::exist;
    void *memory = allocate_pages(domain_order);
    if (!memory)
        return Error::nomem;
    Domain &d = *new (memory) Domain;
    d.id = id;
    d.privileged = id == 0;
    d.shared = static_cast<shared_info *>(allocate_pages(0));
    if (!d.shared) {
        free_domain(d);
        return Error::nomem;
    }
    share_frame(d, d.shared, true);
    for (unsigned i = 0; i < vcpus; ++i) {
        auto v = create_vcpu(d, i);
        if (!v.ok()) {
            free_domain(d);
            return v.error();
        }
        d.vcpus[i] = v.value();
        d.vcpu_count = i + 1;
    }
    update_wallclock(d);
    link(d);
    return &d;
}

void events_init(Domain &) {}  // create_domain leaves every port free and every bit clear

void destroy_domain(Domain &d)
{
    d.dying = true;
    close_all_ports(d);
    for (Vcpu *v : d.vcpus)
        if (v && v == this_cpu().current)
            load_idle_root();
    for (Vcpu *v : d.vcpus)
        if (v) {
            narrow_segments(*v);
            release_ldt(*v);
            release_gdt(*v);
            release_vcpu_info(*v);
        }
    while (release_domain_memory(d).error() == Error::again) {}
    unlink(d);
    free_domain(d);
}

void shutdown_domain(Domain &d, unsigned reason)
{
    if (d.is_shutdown)
        return;
    d.is_shutdown = true;
    d.shutdown_reason = static_cast<std::uint8_t>(reason);
    log("domain %u ends: %s", d.id, reason_name(reason));
    if (d.id == 0)
        end_of_control_domain(reason);
    if (Domain *control = find_domain(0))
        send_virq(*control, 0, VIRQ_DOM_EXC);
    request_reschedule();
}

void crash_current_domain(char const *reason, ...)
{
    Vcpu &v = current();
    char text[160];
    std::va_list args;
    va_start(args, reason);
    vformat(text, sizeof text, reason, args);
    va_end(args);
    log("domain %u vcpu %u crashed: %s", v.domain->id, v.id, text);
    report_registers(v.regs, false);
    shutdown_domain(*v.domain, SHUTDOWN_crash);
    exit_to_guest();
}

}  // namespace hv
