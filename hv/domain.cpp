// SPDX-License-Identifier: MIT
// Domains: how one comes to be, is stopped, ends, and goes.
//
//   create_domain --> create_vcpus --> runs --> shutdown_domain --> destroy_domain
//    id, shared_info    or the toolstack:          tells domain 0     ports, mappings, tables, frames;
//                       memory, contexts                              Error::again: more to do
#include <cstdarg>
#include <hv/console_guest.hpp>
#include <hv/cpu.hpp>
#include <hv/domain_list.hpp>
#include <hv/event.hpp>
#include <hv/frames.hpp>
#include <hv/grant.hpp>
#include <hv/heap.hpp>
#include <hv/log.hpp>
#include <hv/memory.hpp>
#include <hv/percpu.hpp>
#include <hv/power.hpp>
#include <hv/schedule.hpp>
#include <hv/time.hpp>
#include <hv/trap.hpp>
#include <hv/vcpu.hpp>
#include <lib/format.hpp>
#include <new>
#include <pv/sched.h>

namespace hv {

Cpu the_cpu;

namespace {

std::uint32_t last_serial;

// While it can still be found: what it shares goes out of its books.
void remove(Domain &d)
{
    for (unsigned i = 0; i < d.vcpu_count; ++i)
        free_vcpu(*d.vcpus[i]);
    free_port_buckets(d);
    free_grant_table(d);
    free_guest_console(d);
    if (d.shared)
        unshare_frame(frame_of(heap_mfn(d.shared)));
    unlink_domain(d);
    ASSERT(d.heap_bytes == heap_size(sizeof d) && d.special_pages == 0);
    free(&d, sizeof d);
}

Result<> complete(Domain &d, DomainLimits limits)
{
    d.shared = static_cast<shared_info *>(allocate_pages(0));
    if (!d.shared)
        return Error::nomem;
    share_frame(d, d.shared, true);
    update_wallclock(d);
    return create_grant_table(d, limits.grant_frames, limits.maptrack_frames);
}

char const *reason_name(unsigned reason)
{
    constexpr char const *names[] = {"power off", "reboot", "suspend", "crash", "watchdog", "soft reset"};
    return reason < std::size(names) ? names[reason] : "unknown reason";
}

void tell_control_domain()
{
    if (Domain *control = find_domain(0))
        send_virq(*control, 0, VIRQ_DOM_EXC);
}

}  // namespace

Result<Domain *> create_domain(DomainId id, DomainLimits limits)
{
    if (limits.vcpus == 0 || limits.vcpus > max_vcpus_per_domain || id >= DOMID_FIRST_RESERVED)
        return Error::inval;
    if (find_domain(id))
        return Error::exist;
    void *memory = allocate(sizeof(Domain));
    if (!memory)
        return Error::nomem;
    Domain &d = *new (memory) Domain;
    d.heap_bytes = heap_size(sizeof d);
    d.id = id;
    d.serial = ++last_serial;
    d.privileged = id == 0;
    d.max_vcpus = limits.vcpus;
    link_domain(d);
    if (Result<> r = complete(d, limits); !r.ok()) {
        remove(d);
        return r.error();
    }
    return &d;
}

Result<> create_vcpus(Domain &d)
{
    for (; d.vcpu_count < d.max_vcpus; ++d.vcpu_count)
        d.vcpus[d.vcpu_count] = TRY(create_vcpu(d, d.vcpu_count));
    return {};
}

Result<> destroy_domain(Domain &d)
{
    d.dying = true;
    set_share(d, d.weight, 0);
    reconsider(d);
    close_all_ports(d);
    for (unsigned i = 0; i < d.vcpu_count; ++i)
        disarm_vcpu(*d.vcpus[i]);
    TRY(release_domain_memory(d));
    TRY(release_mappings(d));
    remove(d);
    tell_control_domain();
    return {};
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
    tell_control_domain();
    reconsider(d);
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
