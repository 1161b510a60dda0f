// SPDX-License-Identifier: MIT
// /proc/N/status: the same for people.
#include <kernel/fs/fd_table.hpp>
#include <kernel/procfs/process_text.hpp>

namespace kernel {
namespace {
using U64 = unsigned long long;

char const *state_name(char letter)
{
    switch (letter) {
    case 'R': return "R (running)";
    case 'S': return "S (sleeping)";
    case 'D': return "D (disk sleep)";
    case 'T': return "T (stopped)";
    case 'Z': return "Z (zombie)";
    default: return "X (dead)";
    }
}

unsigned descriptor_slots(FdTable const *files)  // the table's size: a power of two, at least 64
{
    unsigned slots = 64;
    if (!files)
        return 0;
    for (int fd = files->next_open(0); fd >= 0; fd = files->next_open(fd + 1))
        while (static_cast<unsigned>(fd) >= slots)
            slots *= 2;
    return slots;
}

void print_who(Text &out, Thread &t, Process &p, bool whole)
{
    auto const &c = t.credentials;
    out.print("Name:\t%s\n", t.name);
    if (t.fs)
        out.print("Umask:\t%04o\n", t.fs->umask);
    out.print("State:\t%s\n", state_name(state_letter(p, t, whole)));
    out.print("Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", p.pid, whole ? p.pid : t.tid,
              p.parent ? p.parent->pid : 0);
    out.print("Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", c.uid, c.euid, c.suid, c.fsuid, c.gid, c.egid, c.sgid,
              c.fsgid);
    out.print("FDSize:\t%u\nGroups:\t", descriptor_slots(t.files.get()));
    for (std::uint32_t i = 0; i < c.group_count; ++i)
        out.print("%u ", c.groups[i]);
    out.print("\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", p.pid, whole ? p.pid : t.tid,
              p.group ? p.group->id : 0, p.group ? p.group->session->id : 0);
}

void print_memory(Text &out, AddressSpace &space)
{
    auto s = space.sizes();
    auto kb = [](std::uint32_t pages) { return pages * (page_size / 1024); };
    std::uint32_t anonymous = s.resident_pages > s.shared_pages ? s.resident_pages - s.shared_pages : 0;
    out.print("VmPeak:\t%8u kB\nVmSize:\t%8u kB\n", kb(s.total_pages), kb(s.total_pages));
    out.print("VmLck:\t%8u kB\nVmPin:\t%8u kB\n", kb(space.locked_pages()), 0u);
    out.print("VmHWM:\t%8u kB\nVmRSS:\t%8u kB\n", kb(s.resident_pages), kb(s.resident_pages));
    out.print("RssAnon:\t%8u kB\nRssFile:\t%8u kB\nRssShmem:\t%8u kB\n", kb(anonymous), kb(s.shared_pages), 0u);
    out.print("VmData:\t%8u kB\nVmStk:\t%8u kB\nVmExe:\t%8u kB\nVmLib:\t%8u kB\n", kb(s.data_pages), kb(s.stack_pages),
              kb(s.text_pages), 0u);
    out.print("VmPTE:\t%8u kB\nVmSwap:\t%8u kB\n", 0u, 0u);
}

void print_signals(Text &out, Thread &t, Process &p)
{
    auto sets = signal_dispositions(p);
    auto limit = p.limits[limit_sigpending].soft;
    out.print("Threads:\t%u\nSigQ:\t0/%llu\n", p.live_threads, static_cast<U64>(limit));
    out.print("SigPnd:\t%016llx\nShdPnd:\t%016llx\n", static_cast<U64>(t.signals.pending.set),
              static_cast<U64>(p.shared_signals.pending.set));
    out.print("SigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n", static_cast<U64>(t.signals.mask),
              static_cast<U64>(sets.ignored), static_cast<U64>(sets.caught));
}

void print_rest(Text &out, Thread &t)
{
    auto const &c = t.credentials;
    out.print("CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\n", static_cast<U64>(c.cap_inheritable),
              static_cast<U64>(c.cap_permitted), static_cast<U64>(c.cap_effective));
    out.print("CapBnd:\t%016llx\nCapAmb:\t%016llx\n", static_cast<U64>(c.cap_bounding), static_cast<U64>(c.cap_ambient));
    out.print("NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n", c.no_new_privs);
    out.print("Cpus_allowed:\t1\nCpus_allowed_list:\t0\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
    out.print("voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
              static_cast<U64>(t.voluntary_switches), static_cast<U64>(t.involuntary_switches));
}
}  // namespace

Result<> show_status(Text &out, ProcTarget const &target)
{
    auto thread = TRY(target.thread());
    auto &p = *thread->process;
    print_who(out, *thread, p, target.tid == 0);
    if (thread->memory)
        print_memory(out, *thread->memory);
    print_signals(out, *thread, p);
    print_rest(out, *thread);
    return {};
}

Result<> show_children(Text &out, ProcTarget const &target)
{
    auto process = TRY(target.process());
    for (auto child = process->first_child; child; child = child->next_sibling)
        out.print("%d ", child->pid);
    return {};
}
}  // namespace kernel
