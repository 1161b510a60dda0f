// SPDX-License-Identifier: MIT
// An open terminal: read(2), write(2), poll(2). termios(3), "Canonical and noncanonical mode".
#include <kernel/tty/job_control.hpp>
#include <kernel/tty/tty.hpp>
#include <lib/format.hpp>
#include <linux/poll.h>

namespace kernel {
namespace {
constexpr int sigttin = 21, sigttou = 22;
constexpr std::uint64_t vtime_ns = 100'000'000;
constexpr std::size_t chunk_bytes = 512;  // a raw write up to this size reaches the terminal in one piece
}

TtyFile::TtyFile(Ref<Tty> tty, unsigned open_flags, bool console)
    : File{open_flags}, tty_{std::move(tty)}, console_{console}, generation_{tty_->hangups}
{
    ++tty_->opened;
}

TtyFile::~TtyFile()
{
    if (--tty_->opened == 0) {
        tty_->exclusive = false;
        tty_->last_close();
    }
}

Result<std::size_t> TtyFile::read(IoBuffer &to, std::uint64_t &)
{
    if (dead() || !to.left())
        return std::size_t{0};
    if (!console_)
        TRY(check_background(*tty_, sigttin));
    return tty_->discipline.canonical() ? read_canonical(to) : read_raw(to);
}

// Until there is input, the mode changes or the line is gone.
Result<> TtyFile::wait_readable(std::uint64_t deadline_ns)
{
    bool canonical = tty_->discipline.canonical();
    auto ready = [&] {
        return tty_->discipline.readable() || dead() || tty_->far_end_gone() || canonical != tty_->discipline.canonical();
    };
    return wait_until(tty_->readers, ready, Sleep::interruptible, deadline_ns);
}

Result<std::size_t> TtyFile::read_canonical(IoBuffer &to)
{
    while (!tty_->discipline.readable()) {
        if (dead() || tty_->far_end_gone())
            return std::size_t{0};
        if (nonblocking())
            return Error::again;
        TRY(wait_readable(arch::no_deadline));
        if (!console_)
            TRY(check_background(*tty_, sigttin));
        if (!tty_->discipline.canonical())
            return read_raw(to);
    }
    char chunk[chunk_bytes];
    std::size_t total = 0;
    bool end = false;
    while (!end && to.left()) {
        auto got = tty_->read_some(chunk, to.left() < sizeof chunk ? to.left() : sizeof chunk, &end);
        if (!got)
            break;
        auto put = to.put(chunk, got);
        if (!put.ok())
            return total ? Result<std::size_t>{total} : put;
        total += put.value();
    }
    return total;
}

// VMIN bytes, or what has come when VTIME tenths of a second passed: after the last byte if VMIN > 0, else after the call.
Result<std::size_t> TtyFile::read_raw(IoBuffer &to)
{
    auto const &cc = tty_->discipline.settings().cc;
    std::size_t const minimum = cc[termios::vmin];
    std::uint64_t const patience = cc[termios::vtime] * vtime_ns;
    std::uint64_t deadline = minimum == 0 ? arch::now_ns() + patience : arch::no_deadline;
    char chunk[chunk_bytes];
    std::size_t total = 0;
    for (;;) {
        bool end = false;
        while (to.left()) {
            auto got = tty_->read_some(chunk, to.left() < sizeof chunk ? to.left() : sizeof chunk, &end);
            if (!got)
                break;
            auto put = to.put(chunk, got);
            if (!put.ok())
                return total ? Result<std::size_t>{total} : put;
            total += put.value();
            if (minimum && patience)
                deadline = arch::now_ns() + patience;
        }
        if (!to.left() || (total && total >= minimum) || dead() || tty_->far_end_gone())
            return total;
        if (nonblocking())
            return total ? Result<std::size_t>{total} : Error::again;
        if (minimum == 0 && patience == 0)
            return total;
        auto slept = wait_readable(deadline);
        if (!slept.ok()) {
            if (slept.error() == Error::timedout || total)
                return total;
            return slept.error();
        }
        if (tty_->discipline.canonical())
            return total ? Result<std::size_t>{total} : read_canonical(to);
    }
}

Result<std::size_t> TtyFile::write(IoBuffer &from, std::uint64_t &)
{
    if (dead())
        return Error::io;
    if (!console_ && (tty_->discipline.settings().lflag & termios::tostop))
        TRY(check_background(*tty_, sigttou));
    char chunk[chunk_bytes];
    std::size_t total = 0;
    while (from.left()) {
        auto n = from.get(chunk, sizeof chunk);
        if (!n.ok())
            return total ? Result<std::size_t>{total} : n;
        if (!n.value())
            break;
        auto written = write_chunk(chunk, n.value());
        if (!written.ok())
            return total ? Result<std::size_t>{total} : written;
        total += written.value();
        if (written.value() < n.value())
            break;
    }
    return total;
}

// Fewer bytes than asked for: a signal came, or the file does not block.
Result<std::size_t> TtyFile::write_chunk(char const *bytes, std::size_t n)
{
    std::size_t done = 0;
    for (;;) {
        {
            arch::IrqGuard guard;
            while (done < n) {
                auto taken = tty_->discipline.write(bytes + done, n - done);
                if (!taken)
                    break;
                done += taken;
            }
        }
        if (done == n)
            return done;
        if (nonblocking())
            return done ? Result<std::size_t>{done} : Error::again;
        auto slept = wait_until(tty_->writers,
                                [&] { return dead() || tty_->far_end_gone() || tty_->discipline.writable(); });
        if (!slept.ok())
            return done ? Result<std::size_t>{done} : slept.error();
        if (dead() || tty_->far_end_gone())
            return done ? Result<std::size_t>{done} : Error::io;
    }
}

unsigned TtyFile::poll(PollTable *table)
{
    if (table) {
        table->add(tty_->readers);
        table->add(tty_->writers);
    }
    if (dead())
        return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;
    unsigned events = 0;
    arch::IrqGuard guard;
    auto const &line = tty_->discipline;
    auto const &cc = line.settings().cc;
    unsigned needed = line.canonical() || cc[termios::vtime] || !cc[termios::vmin] ? 1 : cc[termios::vmin];
    if (line.readable() && (line.canonical() || line.available() >= needed))
        events |= POLLIN | POLLRDNORM;
    if (tty_->far_end_gone())
        events |= POLLHUP | POLLIN | POLLRDNORM;
    if (line.writable())
        events |= POLLOUT | POLLWRNORM;
    return events;
}

void TtyFile::describe(char *out, std::size_t size)
{
    if (path.empty())
        format(out, size, "/dev/tty");
    else
        File::describe(out, size);
}
}  // namespace kernel
