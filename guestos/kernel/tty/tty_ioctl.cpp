// SPDX-License-Identifier: MIT
// ioctl_tty(2): settings, window size, queues, flow. A command that is none of a terminal's gives ENOTTY: so do all of a virtual
// console's (VT_*, KD*).
#include <asm/ioctls.h>
#include <initializer_list>
#include <iterator>
#include <kernel/tty/job_control.hpp>
#include <kernel/tty/tty.hpp>
#include <linux/tty.h>

namespace kernel {
namespace {
constexpr int sigttou = 22;
constexpr unsigned cap_sys_admin = 21;

// The header's own names for these need struct termios2, which it does not declare.
constexpr unsigned command_tcgets2 = _IOR('T', 0x2a, Termios), command_tcsets2 = _IOW('T', 0x2b, Termios),
                   command_tcsetsw2 = _IOW('T', 0x2c, Termios), command_tcsetsf2 = _IOW('T', 0x2d, Termios);

enum class When { now, drained, flushed };

// From struct termio: the low halves of the flags, and eight characters.
Termios widen(Termios to, OldTermios const &from)
{
    to.iflag = (to.iflag & 0xffff0000) | from.iflag;
    to.oflag = (to.oflag & 0xffff0000) | from.oflag;
    to.cflag = (to.cflag & 0xffff0000) | from.cflag;
    to.lflag = (to.lflag & 0xffff0000) | from.lflag;
    to.line = from.line;
    for (unsigned i = 0; i < sizeof from.cc; ++i)
        to.cc[i] = from.cc[i];
    return to;
}

OldTermios narrow(Termios const &from)
{
    OldTermios to{static_cast<std::uint16_t>(from.iflag),
                  static_cast<std::uint16_t>(from.oflag),
                  static_cast<std::uint16_t>(from.cflag),
                  static_cast<std::uint16_t>(from.lflag),
                  from.line,
                  {}};
    for (unsigned i = 0; i < sizeof to.cc; ++i)
        to.cc[i] = from.cc[i];
    return to;
}

constexpr std::uint32_t speeds[] = {0,       50,      75,      110,     134,     150,     200,    300,
                                    600,     1200,    1800,    2400,    4800,    9600,    19200,  38400,
                                    57600,   115200,  230400,  460800,  500000,  576000,  921600, 1000000,
                                    1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000};

// c_ospeed follows from CBAUD unless that says BOTHER. B57600 (010001) follows B38400 (017) in the table.
void settle_speed(Termios &t, bool has_speed)
{
    std::uint32_t code = t.cflag & termios::cbaud;
    if (has_speed && code == termios::bother)
        return;
    unsigned index = code & 0xf;
    if (code & termios::bother)
        index += 15;
    if (index < std::size(speeds))
        t.ispeed = t.ospeed = speeds[index];
}

Result<> store_settings(Tty &tty, Termios const &to, When when, bool master)
{
    if (!master)
        TRY(check_background(tty, sigttou));
    if (when != When::now)
        TRY(wait_until(tty.writers,
                       [&] { return tty.discipline.writable() || tty.far_end_gone() || tty.discipline.stopped(); }));
    if (when == When::flushed) {
        arch::IrqGuard guard;
        tty.discipline.discard_input();
        tty.input_flushed();
    }
    tty.set_settings(to);
    return {};
}

Result<> set_termios(Tty &tty, std::uint32_t argument, std::uint32_t bytes, When when, bool master)
{
    Termios to = tty.discipline.settings();
    TRY(copy_in(&to, Vaddr{argument}, bytes));
    settle_speed(to, bytes == termios2_bytes);
    return store_settings(tty, to, when, master);
}

Result<> set_termio(Tty &tty, std::uint32_t argument, When when, bool master)
{
    auto to = widen(tty.discipline.settings(), TRY(UserPtr<OldTermios>{argument}.read()));
    settle_speed(to, false);
    return store_settings(tty, to, when, master);
}

Result<> control_flow(Tty &tty, std::uint32_t argument, bool master)
{
    if (!master)
        TRY(check_background(tty, sigttou));
    arch::IrqGuard guard;
    auto const &cc = tty.discipline.settings().cc;
    switch (argument) {
    case termios::tcooff: tty.discipline.stop(); return {};
    case termios::tcoon: tty.discipline.start(); return {};
    case termios::tcioff:
    case termios::tcion: {
        char c = static_cast<char>(cc[argument == termios::tcioff ? termios::vstop : termios::vstart]);
        if (c && tty.room())
            tty.send(&c, 1);
        return {};
    }
    default: return Error::inval;
    }
}

Result<> flush(Tty &tty, std::uint32_t argument, bool master)
{
    if (!master)
        TRY(check_background(tty, sigttou));
    if (argument > termios::tcioflush)
        return Error::inval;
    arch::IrqGuard guard;
    if (argument != termios::tcoflush) {
        tty.discipline.discard_input();
        tty.input_flushed();
    }
    if (argument != termios::tciflush) {
        tty.discipline.discard_output();
        tty.output_discarded();
    }
    return {};
}

Result<> simulate_input(Tty &tty, std::uint32_t argument)
{
    if (controlling_tty() != &tty && !current().credentials.has_cap(cap_sys_admin))
        return Error::perm;
    char c = TRY(UserPtr<char>{argument}.read());
    arch::IrqGuard guard;
    tty.discipline.receive(&c, 1);
    return {};
}

Result<> exclusive(Tty &tty, bool on)
{
    tty.exclusive = on;
    return {};
}
}  // namespace

Result<std::int32_t> tty_settings_ioctl(Tty &tty, unsigned command, std::uint32_t argument, bool master)
{
    Termios const &settings = tty.discipline.settings();
    Vaddr user{argument};
    switch (command) {
    case TCGETS: TRY(copy_out(user, &settings, termios_bytes)); return 0;
    case command_tcgets2: TRY(copy_out(user, &settings, termios2_bytes)); return 0;
    case TCGETA: TRY(UserPtr<OldTermios>{argument}.write(narrow(settings))); return 0;
    case TCSETS: TRY(set_termios(tty, argument, termios_bytes, When::now, master)); return 0;
    case TCSETSW: TRY(set_termios(tty, argument, termios_bytes, When::drained, master)); return 0;
    case TCSETSF: TRY(set_termios(tty, argument, termios_bytes, When::flushed, master)); return 0;
    case command_tcsets2: TRY(set_termios(tty, argument, termios2_bytes, When::now, master)); return 0;
    case command_tcsetsw2: TRY(set_termios(tty, argument, termios2_bytes, When::drained, master)); return 0;
    case command_tcsetsf2: TRY(set_termios(tty, argument, termios2_bytes, When::flushed, master)); return 0;
    case TCSETA: TRY(set_termio(tty, argument, When::now, master)); return 0;
    case TCSETAW: TRY(set_termio(tty, argument, When::drained, master)); return 0;
    case TCSETAF: TRY(set_termio(tty, argument, When::flushed, master)); return 0;
    case TIOCGSOFTCAR:
        TRY(UserPtr<std::int32_t>{argument}.write(std::int32_t{(settings.cflag & termios::clocal) != 0}));
        return 0;
    case TIOCGETD: TRY(UserPtr<std::int32_t>{argument}.write(std::int32_t{settings.line})); return 0;
    case TIOCSETD: return TRY(UserPtr<std::int32_t>{argument}.read()) == N_TTY ? Result<std::int32_t>{0} : Error::inval;
    default: return Error::notty;
    }
}

namespace {
Result<std::int32_t> other_ioctl(Tty &tty, unsigned command, std::uint32_t argument, bool master)
{
    UserPtr<std::int32_t> number{argument};
    switch (command) {
    case TIOCGWINSZ: TRY(UserPtr<WindowSize>{argument}.write(tty.window)); return 0;
    case TIOCSWINSZ: tty.set_window(TRY(UserPtr<WindowSize>{argument}.read())); return 0;
    case TCXONC: TRY(control_flow(tty, argument, master)); return 0;
    case TCFLSH: TRY(flush(tty, argument, master)); return 0;
    case TCSBRK:
    case TCSBRKP:  // nothing carries a break; draining is what tcdrain(3) wants of TCSBRK
        if (!master)
            TRY(check_background(tty, sigttou));
        return 0;
    case TIOCSBRK:
    case TIOCCBRK: return 0;
    case FIONREAD: TRY(number.write(static_cast<std::int32_t>(tty.discipline.available()))); return 0;
    case TIOCOUTQ: TRY(number.write(0)); return 0;
    case TIOCSTI: TRY(simulate_input(tty, argument)); return 0;
    case TIOCEXCL: TRY(exclusive(tty, true)); return 0;
    case TIOCNXCL: TRY(exclusive(tty, false)); return 0;
    case TIOCGEXCL: TRY(number.write(std::int32_t{tty.exclusive})); return 0;
    case TIOCGDEV: TRY(number.write(static_cast<std::int32_t>(tty.major_number << 8 | tty.minor_number))); return 0;
    case TIOCVHANGUP:
        if (!current().credentials.has_cap(cap_sys_admin))
            return Error::perm;
        hang_up(tty, false);
        return 0;
    default: return Error::notty;
    }
}
}  // namespace

Result<std::int32_t> tty_ioctl(Tty &tty, unsigned command, std::uint32_t argument, bool master)
{
    for (auto handler : {tty_settings_ioctl, other_ioctl, tty_job_ioctl}) {
        auto r = handler(tty, command, argument, master);
        if (r.ok() || r.error() != Error::notty)
            return r;
    }
    return Error::notty;
}

Result<std::int32_t> TtyFile::ioctl(unsigned command, std::uint32_t argument)
{
    if (dead())
        return command == TIOCSPGRP ? Error::notty : Error::io;
    return tty_ioctl(*tty_, command, argument, false);
}
}  // namespace kernel
