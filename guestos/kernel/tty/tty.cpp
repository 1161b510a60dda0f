// SPDX-License-Identifier: MIT
// What is common to all terminals: opening, settings, size, signals.
#include <fcntl.h>
#include <kernel/tty/job_control.hpp>
#include <kernel/tty/tty.hpp>

namespace kernel {
namespace {
constexpr int sigwinch = 28;
}

void Tty::raise(int signo)
{
    if (foreground)
        send_signal(*foreground, SignalInfo::kernel(signo));
}

void Tty::flow_changed(bool stopped)
{
    if (!stopped)
        writers.wake_all();
}

void Tty::set_settings(Termios const &to)
{
    auto before = discipline.settings();
    Termios sane = to;
    sanitize(sane);
    {
        arch::IrqGuard guard;
        discipline.set(sane);
    }
    settings_changed(before);
    readers.wake_all();
    writers.wake_all();
}

void Tty::set_window(WindowSize const &to)
{
    if (window == to)
        return;
    window = to;
    raise(sigwinch);
}

std::size_t Tty::read_some(char *to, std::size_t n, bool *end)
{
    arch::IrqGuard guard;
    auto got = discipline.read(to, n, end);
    pull_input();
    return got;
}

Result<Ref<File>> open_tty(Ref<Tty> tty, unsigned flags, bool console)
{
    constexpr unsigned cap_sys_admin = 21;
    if (tty->exclusive && !current().credentials.has_cap(cap_sys_admin))
        return Error::busy;
    Ref<TtyFile> file = TRY(make_ref<TtyFile>(tty, flags, console));
    auto &group = *current_process().group;
    bool leader = group.session->id == current_process().pid;
    if (!(flags & O_NOCTTY) && !console && leader && !group.session->tty && !tty->session && file->readable())
        acquire_tty(*tty);
    return Ref<File>{file};
}
}  // namespace kernel
