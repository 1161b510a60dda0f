// SPDX-License-Identifier: MIT
// Memory, processor and time for /proc: in the formats that procps and busybox parse.
#include <arch/clock.hpp>
#include <arch/cpu.hpp>
#include <kernel/interrupts.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/reclaim.hpp>
#include <kernel/memory/write_back.hpp>
#include <kernel/process/load_average.hpp>
#include <kernel/process/schedule.hpp>
#include <kernel/process/system_info.hpp>
#include <kernel/procfs/system_text.hpp>
#include <kernel/time/timer.hpp>

namespace kernel {
namespace {
using U64 = unsigned long long;
constexpr std::uint64_t ns_per_second = 1'000'000'000, ns_per_tick = 10'000'000;  // USER_HZ: 100
constexpr U64 ticks(std::uint64_t ns) { return ns / ns_per_tick; }

struct Counts {
    unsigned threads = 0, running = 0;
    Pid last = 0;
};
Counts count_threads()
{
    Counts counts;
    for_each_process(
        [](void *context, Process &p) {
            for_each_thread(
                p,
                [](void *inner, Thread &t) {
                    auto &n = *static_cast<Counts *>(inner);
                    ++n.threads;
                    if (t.state == ThreadState::runnable)
                        ++n.running;
                    if (t.tid > n.last)
                        n.last = t.tid;
                    return true;
                },
                context);
            return true;
        },
        &counts);
    return counts;
}

// The words of /proc/cpuinfo's "flags", bit by bit: Intel SDM vol. 2, CPUID leaf 1.
constexpr char const *edx_flags[32] = {"fpu",  "vme",   "de",    "pse",     "tsc",   "msr", "pae",  "mce",
                                       "cx8",  "apic",  nullptr, "sep",     "mtrr",  "pge", "mca",  "cmov",
                                       "pat",  "pse36", "pn",    "clflush", nullptr, "dts", "acpi", "mmx",
                                       "fxsr", "sse",   "sse2",  "ss",      "ht",    "tm",  "ia64", "pbe"};
constexpr char const *ecx_flags[32] = {"pni",    "pclmulqdq", "dtes64", "monitor", "ds_cpl",
                                       "vmx",    "smx",       "est",    "tm2",     "ssse3",
                                       "cid",    "sdbg",      "fma",    "cx16",    "xtpr",
                                       "pdcm",   nullptr,     "pcid",   "dca",     "sse4_1",
                                       "sse4_2", "x2apic",    "movbe",  "popcnt",  "tsc_deadline_timer",
                                       "aes",    "xsave",     nullptr,  "avx",     "f16c",
                                       "rdrand", "hypervisor"};
}  // namespace

Result<> show_cpuinfo(Text &out, ProcTarget const &)
{
    auto const &cpu = arch::cpu_identity();
    out.print("processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n",
              cpu.vendor, cpu.family, cpu.model, cpu.model_name, cpu.stepping);
    out.print("cpu MHz\t\t: %u.%03u\nphysical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n", cpu.khz / 1000,
              cpu.khz % 1000);
    out.print("fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: 1\nwp\t\t: yes\nflags\t\t:");
    for (unsigned bit = 0; bit < 32; ++bit)
        if (cpu.features >> bit & 1 && edx_flags[bit])
            out.print(" %s", edx_flags[bit]);
    for (unsigned bit = 0; bit < 32; ++bit)
        if (cpu.features_ecx >> bit & 1 && ecx_flags[bit])
            out.print(" %s", ecx_flags[bit]);
    out.print("\nbogomips\t: %u.%02u\nclflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: 32 bits physical, 32 "
              "bits virtual\n\n",
              cpu.khz / 500, cpu.khz / 5 % 100);
    return {};
}

Result<> show_meminfo(Text &out, ProcTarget const &)
{
    auto f = frame_counts();
    auto line = [&out](char const *name, std::uint32_t frames) { out.print("%-15s %8u kB\n", name, frames * 4); };
    line("MemTotal:", f.total);
    line("MemFree:", f.free);
    auto writes = write_back_counts();
    line("MemAvailable:", f.free + reclaimable_frame_count());  // the page cache of a tmpfs is no reserve
    line("Buffers:", 0);
    line("Cached:", f.cached);
    line("SwapCached:", 0);
    line("Active:", f.anonymous);
    line("Inactive:", f.cached);
    line("Active(anon):", f.anonymous);
    line("Inactive(anon):", 0);
    line("Active(file):", 0);
    line("Inactive(file):", f.cached);
    line("Unevictable:", 0);
    line("Mlocked:", 0);
    line("HighTotal:", 0);
    line("HighFree:", 0);
    line("LowTotal:", f.total);
    line("LowFree:", f.free);
    line("SwapTotal:", 0);
    line("SwapFree:", 0);
    line("Dirty:", writes.dirty);
    line("Writeback:", writes.writing);
    line("AnonPages:", f.anonymous);
    line("Mapped:", 0);
    line("Shmem:", f.cached - reclaimable_frame_count());
    line("KReclaimable:", 0);
    line("Slab:", f.heap);
    line("SReclaimable:", 0);
    line("SUnreclaim:", f.heap);
    line("KernelStack:", 2 * process_count());
    line("PageTables:", f.tables);
    line("CommitLimit:", f.total);
    line("Committed_AS:", f.anonymous);
    return {};
}

Result<> show_vmstat(Text &out, ProcTarget const &)
{
    auto f = frame_counts();
    out.print(
        "nr_free_pages %u\nnr_anon_pages %u\nnr_file_pages %u\nnr_slab_unreclaimable %u\nnr_page_table_pages %u\n",
        f.free, f.anonymous, f.cached, f.heap, f.tables);
    auto const writes = write_back_counts();
    out.print("nr_dirty %u\nnr_writeback %u\nnr_dirty_threshold %u\nnr_dirty_background_threshold %u\n", writes.dirty,
              writes.writing, writes.limit, writes.background);
    auto const reclaim = reclaim_counts();
    out.print("pgscan_kswapd %u\npgscan_direct %u\npgsteal_kswapd %u\npgsteal_direct %u\npageoutrun %u\n",
              reclaim.looked_at_by_passes, reclaim.looked_at_directly, reclaim.freed_by_passes, reclaim.freed_directly,
              reclaim.passes);
    for (auto name : {"pgpgin", "pgpgout", "pswpin", "pswpout", "pgfault", "pgmajfault"})
        out.print("%s 0\n", name);
    return {};
}

Result<> show_stat(Text &out, ProcTarget const &)
{
    auto const &cpu = this_cpu();
    auto user = ticks(cpu.busy_user_ns), kernel = ticks(cpu.busy_kernel_ns), idle = ticks(cpu.idle_ns),
         steal = ticks(arch::stolen_ns());
    for (auto name : {"cpu ", "cpu0"})
        out.print("%s %llu 0 %llu %llu 0 0 0 %llu 0 0\n", name, user, kernel, idle, steal);
    auto counts = count_threads();
    auto booted = (realtime_ns() - arch::now_ns()) / ns_per_second;
    U64 interrupts = 0;
    for_each_interrupt([](void *sum, arch::Line, std::uint32_t n, char const *) { *static_cast<U64 *>(sum) += n; },
                       &interrupts);
    out.print(
        "intr %llu\nctxt %llu\nbtime %llu\nprocesses %d\nprocs_running %u\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 "
        "0 0 0\n",
        interrupts, static_cast<U64>(0), static_cast<U64>(booted), counts.last, counts.running ? counts.running : 1);
    return {};
}

Result<> show_uptime(Text &out, ProcTarget const &)
{
    auto centiseconds = [](std::uint64_t ns) { return ns / ns_per_tick; };
    auto up = centiseconds(arch::now_ns()), idle = centiseconds(this_cpu().idle_ns);
    out.print("%llu.%02u %llu.%02u\n", static_cast<U64>(up / 100), static_cast<unsigned>(up % 100),
              static_cast<U64>(idle / 100), static_cast<unsigned>(idle % 100));
    return {};
}

Result<> show_loadavg(Text &out, ProcTarget const &)
{
    auto loads = load_average();
    for (auto load : loads.fixed16)
        out.print("%u.%02u ", load >> 16, (load & 0xffff) * 100 >> 16);
    auto counts = count_threads();
    out.print("%u/%u %d\n", counts.running ? counts.running : 1, counts.threads, counts.last);
    return {};
}

Result<> show_version(Text &out, ProcTarget const &)
{
    out.print("%s version %s (lodger) %s\n", system_name, system_release, system_version);
    return {};
}

Result<> show_interrupts(Text &out, ProcTarget const &)
{
    out.print("           CPU0       \n");
    for_each_interrupt(
        [](void *text, arch::Line line, std::uint32_t n, char const *name) {
            static_cast<Text *>(text)->print("%4u: %10u   %s\n", line.raw(), n, name);
        },
        &out);
    return {};
}
}  // namespace kernel
