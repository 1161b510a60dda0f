// SPDX-License-Identifier: MIT
// /proc/sysrq-trigger: the keys of Linux's magic SysRq that make sense without a keyboard; proc(5). A write acts on its first
// character and says in the log what it did.
#include <arch/platform.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/procfs/procfs.hpp>

namespace kernel {
namespace {
void show_memory()
{
    auto n = frame_counts();
    log("sysrq: %u KB: %u KB free, %u KB cached, %u KB of programs, %u KB page tables, %u KB heap", n.total * 4,
        n.free * 4, n.cached * 4, n.anonymous * 4, n.tables * 4, n.heap * 4);
}

bool show_thread(void *, Thread &t)
{
    constexpr char const *states[] = {"runnable", "sleeping", "stopped", "zombie", "dead"};
    auto const &frame = t.user_frame();
    log("sysrq:   %-15s %5d %-8s eip %08x esp %08x", t.name, t.tid, states[static_cast<unsigned>(t.state)],
        frame.ip().raw(), frame.sp().raw());
    return true;
}

bool show_process(void *, Process &p)
{
    if (p.zombie)
        log("sysrq:   %-15s %5d zombie", p.leader ? p.leader->name : "", p.pid);
    else
        for_each_thread(p, show_thread, nullptr);
    return true;
}

void act(char key)
{
    switch (key) {
    case 'b': log("sysrq: reboot"); arch::reboot();
    case 'c': panic("sysrq: a crash was asked for");
    case 'm': return show_memory();
    case 'o': log("sysrq: power off"); arch::power_off(0);
    case 's':
        log("sysrq: sync");
        sync_all();
        return log("sysrq: all file systems are written");
    case 't': log("sysrq: threads"); return for_each_process(show_process, nullptr);
    default: log("sysrq: b reboot, c crash, m memory, o power off, s sync, t threads");
    }
}
}  // namespace

Result<> store_sysrq(std::string_view keys, ProcTarget const &)
{
    if (!keys.empty())
        act(keys[0]);
    return {};
}
}  // namespace kernel
