// SPDX-License-Identifier: MIT
#include <asm/ioctls.h>
#include <kernel/process/pid_table.hpp>
#include <kernel/process/signal_state.hpp>
#include <kernel/tty/job_control.hpp>
#include <kernel/tty/tty.hpp>

namespace kernel {
namespace {
constexpr int sighup = 1, sigcont = 18, sigttou = 22;
constexpr unsigned cap_sys_admin = 21;

Session &current_session() { return *current_process().group->session; }
bool is_session_leader(Process const &p) { return p.group->session->id == p.pid; }

bool held_back(int signo)  // blocked or ignored
{
    return (current().signals.mask & signal_bit(signo)) || signal_ignored(current_process(), signo);
}

void set_foreground(Tty &tty, Ref<ProcessGroup> group)
{
    arch::IrqGuard guard;  // ^C reads it
    std::swap(tty.foreground, group);
}

// Nobody has this terminal any more.
void release(Tty &tty)
{
    Ref<Session> session = std::move(tty.session);
    set_foreground(tty, {});
    if (!session || session->tty != &tty)
        return;
    session->tty = nullptr;
    session->tty_owner = {};
}

void signal_group_number(Pid number, int signo)
{
    auto entry = number ? pid_table().find(number) : nullptr;
    if (entry && entry->group)
        send_signal(*entry->group, SignalInfo::kernel(signo));
}
}  // namespace

Tty *controlling_tty()
{
    auto process = current().process.get();
    return process && process->group ? process->group->session->tty : nullptr;
}

Result<> check_background(Tty &tty, int signo)
{
    if (controlling_tty() != &tty || !tty.foreground)
        return {};
    auto &group = *current_process().group;
    if (tty.foreground.get() == &group)
        return {};
    if (held_back(signo)) {
        if (signo == sigttou)
            return {};
        return Error::io;
    }
    if (is_orphaned(group))
        return Error::io;
    send_signal(group, SignalInfo::kernel(signo));
    return Error::restart_sys;
}

void acquire_tty(Tty &tty)
{
    auto &session = current_session();
    tty.session = Ref<Session>{&session};
    session.tty = &tty;
    session.tty_owner = Ref<RefCounted>{&tty};
    session.hung_up_group = 0;
    set_foreground(tty, current_process().group);
}

void hang_up(Tty &tty, bool session_ends)
{
    Ref<Tty> keep{&tty};
    ++tty.hangups;
    if (auto session = tty.session) {
        if (tty.foreground) {
            session->hung_up_group = tty.foreground->id;
            if (session_ends)
                send_signal(*tty.foreground, SignalInfo::kernel(sighup));
        }
        if (auto leader = find_process(session->id)) {
            (void)send_signal(*leader, SignalInfo::kernel(sighup));
            (void)send_signal(*leader, SignalInfo::kernel(sigcont));
        }
        release(tty);
    }
    {
        arch::IrqGuard guard;
        tty.discipline.discard_input();
        tty.discipline.discard_output();
        tty.discipline.start();
    }
    tty.readers.wake_all();
    tty.writers.wake_all();
}

void give_up_tty(Session &session)
{
    if (!session.tty)
        return;
    Ref<Tty> tty{session.tty};
    if (tty->foreground) {
        send_signal(*tty->foreground, SignalInfo::kernel(sighup));
        send_signal(*tty->foreground, SignalInfo::kernel(sigcont));
    }
    release(*tty);
}

void session_leader_exits(Process &leader)
{
    constexpr unsigned slave_major = 136;
    auto &session = *leader.group->session;
    if (!session.tty) {
        signal_group_number(session.hung_up_group, sighup);
        signal_group_number(session.hung_up_group, sigcont);
        session.hung_up_group = 0;
        return;
    }
    Ref<Tty> tty{session.tty};
    if (tty->major_number != slave_major)
        return hang_up(*tty, true);
    if (tty->foreground)
        send_signal(*tty->foreground, SignalInfo::kernel(sighup));  // a pseudo terminal itself stays up
    release(*tty);
}

namespace {
Result<> take_controlling(Tty &tty, bool steal)
{
    auto &session = current_session();
    if (is_session_leader(current_process()) && session.tty == &tty)
        return {};
    if (!is_session_leader(current_process()) || session.tty)
        return Error::perm;
    if (tty.session) {
        if (!steal || !current().credentials.has_cap(cap_sys_admin))
            return Error::perm;
        release(tty);
    }
    acquire_tty(tty);
    return {};
}

Result<> change_foreground(Tty &tty, UserPtr<Pid> from)
{
    auto allowed = check_background(tty, sigttou);
    if (!allowed.ok())
        return allowed.error() == Error::io ? Error::notty : allowed.error();
    auto &session = current_session();
    if (session.tty != &tty || tty.session.get() != &session)
        return Error::notty;
    auto number = TRY(from.read());
    if (number < 0)
        return Error::inval;
    auto entry = pid_table().find(number);
    if (!entry || !entry->group)
        return Error::srch;
    if (entry->group->session.get() != &session)
        return Error::perm;
    set_foreground(tty, Ref<ProcessGroup>{entry->group});
    return {};
}

Result<> detach(Tty &tty)
{
    if (controlling_tty() != &tty)
        return Error::notty;
    if (is_session_leader(current_process()))
        give_up_tty(current_session());
    return {};  // other members share the session's terminal: they keep it
}
}  // namespace

Result<std::int32_t> tty_job_ioctl(Tty &tty, unsigned command, std::uint32_t argument, bool master)
{
    UserPtr<Pid> number{argument};
    bool ours = master || controlling_tty() == &tty;
    switch (command) {
    case TIOCSCTTY: TRY(take_controlling(tty, argument == 1)); return 0;
    case TIOCNOTTY: TRY(detach(tty)); return 0;
    case TIOCSPGRP: TRY(change_foreground(tty, number)); return 0;
    case TIOCGPGRP:
        if (!ours)
            return Error::notty;
        TRY(number.write(tty.foreground ? tty.foreground->id : 0));
        return 0;
    case TIOCGSID:
        if (!ours || !tty.session)
            return Error::notty;
        TRY(number.write(tty.session->id));
        return 0;
    default: return Error::notty;
    }
}
}  // namespace kernel
