// SPDX-License-Identifier: MIT
// The slave's side and the table of pairs.
#include <asm/ioctls.h>
#include <kernel/fs/device.hpp>
#include <kernel/tty/job_control.hpp>
#include <kernel/tty/pty.hpp>
#include <kernel/tty/pty_master.hpp>

namespace kernel {
namespace {
constinit PtySlave *ptys[max_ptys] = {};  // each is kept alive by its master's file

Result<Ref<File>> open_slave(Inode &, unsigned number, unsigned flags)
{
    auto slave = find_pty(number);
    if (!slave || slave->locked)
        return Error::io;
    return open_pty_slave(Ref<PtySlave>{slave}, flags);
}

REGISTER_DEVICE(slave_device, nullptr, false, pty_slave_major, 0, max_ptys, 0600, open_slave);
REGISTER_DEVICE(ptmx_device, "ptmx", false, 5, 2, 1, 0666, open_ptmx);
}  // namespace

PtySlave *find_pty(unsigned number) { return number < max_ptys ? ptys[number] : nullptr; }

Result<Ref<File>> open_pty_slave(Ref<PtySlave> slave, unsigned flags)
{
    if (slave->master_gone)
        return Error::io;
    auto file = TRY(open_tty(slave, flags));
    slave->was_opened = true;
    return file;
}

Result<Ref<PtySlave>> allocate_pty()
{
    for (unsigned i = 0; i < max_ptys; ++i) {
        if (ptys[i])
            continue;
        auto slave = TRY(make_ref<PtySlave>(i));
        slave->uid = current().credentials.fsuid;
        slave->gid = current().credentials.fsgid;
        ptys[i] = slave.get();
        return slave;
    }
    return Error::nospc;
}

void release_pty(PtySlave &slave)
{
    ptys[slave.minor_number] = nullptr;
    slave.master_gone = true;
    slave.node = nullptr;
    hang_up(slave, false);
}

void PtySlave::send(char const *bytes, std::size_t n)
{
    output_.put(bytes, n);
    master_readers.wake_all();
}

std::size_t PtySlave::take_output(char *to, std::size_t n)
{
    arch::IrqGuard guard;
    auto got = output_.get(to, n);
    if (got) {
        discipline.room_again();
        writers.wake_all();
    }
    return got;
}

std::size_t PtySlave::give_input(char const *bytes, std::size_t n)
{
    arch::IrqGuard guard;
    std::size_t taken = 0;
    if (!backlog_.used())
        taken = discipline.receive(bytes, n);
    return taken + backlog_.put(bytes + taken, n - taken);
}

void PtySlave::pull_input()
{
    bool moved = false;
    while (backlog_.used()) {
        std::size_t n;
        auto bytes = backlog_.front(n);
        auto taken = discipline.receive(bytes, n);
        backlog_.consume(taken);
        if (!taken)
            break;
        moved = true;
    }
    if (moved)
        master_writers.wake_all();
}

void PtySlave::packet_event(std::uint8_t set, std::uint8_t clear)
{
    if (!packet_mode)
        return;
    packet_status = static_cast<std::uint8_t>((packet_status & ~clear) | set);
    master_readers.wake_all();
}

void PtySlave::output_discarded()
{
    output_.clear();
    packet_event(TIOCPKT_FLUSHWRITE);
    writers.wake_all();
}

void PtySlave::input_flushed()
{
    backlog_.clear();
    packet_event(TIOCPKT_FLUSHREAD);
    master_writers.wake_all();
}

void PtySlave::flow_changed(bool stopped)
{
    Tty::flow_changed(stopped);
    if (stopped)
        packet_event(TIOCPKT_STOP, TIOCPKT_START);
    else
        packet_event(TIOCPKT_START, TIOCPKT_STOP);
}

void PtySlave::settings_changed(Termios const &before)
{
    auto flow = [](Termios const &t) {
        return (t.iflag & termios::ixon) && t.cc[termios::vstop] == 023 && t.cc[termios::vstart] == 021;
    };
    auto const &now = discipline.settings();
    if ((before.lflag | now.lflag) & termios::extproc)
        packet_event(TIOCPKT_IOCTL);
    if (flow(before) == flow(now))
        return;
    if (flow(now))
        packet_event(TIOCPKT_DOSTOP, TIOCPKT_NOSTOP);
    else
        packet_event(TIOCPKT_NOSTOP, TIOCPKT_DOSTOP);
}

void PtySlave::sanitize(Termios &t) const
{
    t.cflag = (t.cflag & ~(std::uint32_t{termios::csize} | termios::parenb)) | termios::cs8 | termios::cread;
}

void PtySlave::last_close()
{
    master_readers.wake_all();
    master_writers.wake_all();
}
}  // namespace kernel
