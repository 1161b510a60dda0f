// SPDX-License-Identifier: MIT
// What the hypervisor answers on its side of the console.
#include <hv/console.hpp>
#include <hv/cpu.hpp>
#include <hv/event.hpp>
#include <hv/frames.hpp>
#include <hv/heap.hpp>
#include <hv/hypercall_names.hpp>
#include <hv/limits.hpp>
#include <hv/log.hpp>
#include <hv/percpu.hpp>
#include <hv/schedule.hpp>
#include <hv/state.hpp>
#include <hv/trap.hpp>

namespace hv {
namespace {

unsigned milliseconds(std::uint64_t ns) { return static_cast<unsigned>(ns / 1'000'000); }

void show_vcpu(Vcpu const &v)
{
    constexpr char const *states[] = {"running", "runnable", "blocked", "offline"};
    GuestRegs const &r = v.regs;
    vcpu_runstate_info run;
    runstate_now(v, run);
    log("  vcpu %u %s%s  ran %u ms, ready %u ms, blocked %u ms", v.id, states[static_cast<unsigned>(v.state)],
        v.in_polling ? " polling" : "", milliseconds(run.time[0]), milliseconds(run.time[1]), milliseconds(run.time[2]));
    log("    cs:eip %04x:%08x ss:esp %04x:%08x eflags %08x cr3 %08x", r.cs & 0xffff, r.eip, r.ss & 0xffff, r.esp,
        r.eflags, v.cr3.raw());
    log("    eax %08x ebx %08x ecx %08x edx %08x esi %08x edi %08x ebp %08x", r.eax, r.ebx, r.ecx, r.edx, r.esi, r.edi,
        r.ebp);
    log("    ds %04x es %04x fs %04x gs %04x  kernel stack %04x:%08x  events %s%s", r.ds & 0xffff, r.es & 0xffff,
        r.fs & 0xffff, r.gs & 0xffff, v.kernel_ss.raw(), v.kernel_esp,
        v.info->evtchn_upcall_mask ? "masked" : "unmasked", v.info->evtchn_upcall_pending ? ", pending" : "");
}

void show_domain(Domain const &d)
{
    log("domain %u%s%s%s: %u vcpus, %u pages of %u", d.id, d.privileged ? " (control)" : "",
        d.pause_count ? " paused" : "", d.is_shutdown ? " ended" : "", d.vcpu_count, d.total_pages, d.max_pages);
    for (unsigned i = 0; i < d.vcpu_count; ++i)
        show_vcpu(*d.vcpus[i]);
}

void show_memory()
{
    log("memory: %u of %u frames free, %u of dead domains still mapped; hypervisor heap %u KiB used",
        free_frame_count(), total_frame_count(), orphan_frame_count(), static_cast<unsigned>(heap_used() >> 10));
    for (Domain *d = domain_list; d; d = d->next)
        log("  domain %u: %u pages, at most %u; hypervisor state %u bytes, %u pages of it shared", d->id,
            d->total_pages, d->max_pages, static_cast<unsigned>(state_bytes(*d)), d->special_pages);
}

void show_ports(Domain const &d)
{
    constexpr char const *kinds[] = {"free", "reserved", "unbound", "interdomain", "pirq", "virq", "ipi"};
    log("domain %u:", d.id);
    for (unsigned p = 0; p < max_event_ports; ++p) {
        EventPort const &e = port_of(d, p);
        if (e.state == PortState::free)
            continue;
        auto bit = [p](xen_ulong_t const *words) { return words[p / 32] >> (p % 32) & 1; };
        log("  port %u %s vcpu %u, number %u, domain %u port %u%s%s", p, kinds[static_cast<unsigned>(e.state)], e.vcpu,
            e.virq_or_pirq, e.remote_domain, e.remote_port, bit(d.shared->evtchn_pending) ? ", pending" : "",
            bit(d.shared->evtchn_mask) ? ", masked" : "");
    }
}

void show_counts(Domain const &d)
{
    log("domain %u:", d.id);
#define HV_COUNTER(member, name) \
    if (d.counters.member)       \
        log("  %10u %s", d.counters.member, name);
    HV_COUNTERS(HV_COUNTER)
#undef HV_COUNTER
    for (unsigned n = 0; n < PV_NR_HYPERCALLS; ++n)
        if (d.counters.hypercalls[n])
            log("  %10u hypercall %s", d.counters.hypercalls[n], hypercall_name(n));
}

void for_each_domain(void (*show)(Domain const &))
{
    for (Domain *d = domain_list; d; d = d->next)
        show(*d);
}

void show_help()
{
    log("d domains and registers   m memory   e event channels   c counts of hypercalls and ring-0 entries");
    log("s this machine   R reboot   C crash: the hypervisor's own report   h this help");
    log("Ctrl-A three times: input to domain 0");
}

}  // namespace

void debug_key(char key)
{
    switch (key) {
    case 'd': return for_each_domain(show_domain);
    case 'm': return show_memory();
    case 'e': return for_each_domain(show_ports);
    case 'c': return for_each_domain(show_counts);
    case 's':
        return log("up %u ms; segment limits %s", milliseconds(now_ns()),
                   machine_checks_limits() ? "enforced" : "NOT enforced");
    case 'R': machine_reboot();
    case 'C': panic("a crash was asked for");
    case 'h': return show_help();
    case '\r':
    case '\n': return;
    default: return log("no such key; h for help");
    }
}

}  // namespace hv
