// SPDX-License-Identifier: MIT
// control/sysrq: one letter for a domain that does not answer otherwise (xl sysrq). Of Linux's letters, those that mean something here.
#include <arch/driver.hpp>
#include <arch/platform.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/process/process.hpp>
#include <pvlib/device/store.hpp>
#include <pvlib/shared.hpp>

namespace {
constexpr xenbus::Node node{"control", "sysrq"};
constexpr int sig_kill = 9, sig_term = 15;

void signal_all(int signal)
{
    kernel::for_each_process(
        [](void *number, kernel::Process &p) {
            if (!p.is_init())
                (void)kernel::send_signal(p, kernel::SignalInfo::kernel(*static_cast<int *>(number)));
            return true;
        },
        &signal);
}

void show_memory()
{
    auto c = kernel::frame_counts();
    kernel::log("sysrq: memory: %u KB, free %u, cached %u, anonymous %u, tables %u, heap %u", c.total * 4, c.free * 4,
                c.cached * 4, c.anonymous * 4, c.tables * 4, c.heap * 4);
}

void show_processes()
{
    kernel::for_each_process(
        [](void *, kernel::Process &p) {
            kernel::log("sysrq: process %d %s%s", p.pid, p.leader ? p.leader->name : "", p.zombie ? " (zombie)" : "");
            return true;
        },
        nullptr);
}

void act(char letter)
{
    switch (letter) {
    case 'b': kernel::log("sysrq: reboot"); arch::reboot();
    case 'o': kernel::log("sysrq: power off"); arch::power_off(0);
    case 'c': panic("sysrq: a crash was asked for");
    case 'e': return signal_all(sig_term);
    case 'i': return signal_all(sig_kill);
    case 'm': return show_memory();
    case 't': return show_processes();
    default: kernel::log("sysrq: b reboot, o power off, c crash, e terminate all, i kill all, m memory, t processes");
    }
}

void changed(void *, std::string_view)
{
    auto word = xenbus::read(node);
    if (!word.ok() || word.value().size() == 0 || word.value().c_str()[0] == 0)
        return;
    (void)xenbus::write(node, {"", 1});  // read: one NUL, as Linux answers
    act(word.value().c_str()[0]);
}

void start()
{
    if (pv::is_initial_domain())
        return;
    auto watch = new (std::nothrow) xenbus::Watch{changed, nullptr};  // for good
    if (watch)
        (void)watch->start_soon(node);
}
DRIVER(sysrq, start);
}  // namespace
