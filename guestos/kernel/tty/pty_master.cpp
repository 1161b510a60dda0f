// SPDX-License-Identifier: MIT
// The file that opening /dev/ptmx gives: the terminal's side of a pair. ioctl_tty(2), tty_ioctl's packet mode.
#include <asm/ioctls.h>
#include <kernel/fs/fd_table.hpp>
#include <kernel/tty/pty_master.hpp>
#include <lib/format.hpp>
#include <linux/poll.h>

namespace kernel {
namespace {
constexpr unsigned o_cloexec = 02000000;

class PtyMasterFile final : public File {
public:
    PtyMasterFile(Ref<PtySlave> slave, unsigned open_flags) : File{open_flags}, slave_{std::move(slave)} {}
    ~PtyMasterFile() override { release_pty(*slave_); }
    Result<std::size_t> read(IoBuffer &, std::uint64_t &) override;
    Result<std::size_t> write(IoBuffer &, std::uint64_t &) override;
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
    unsigned poll(PollTable *) override;
    void describe(char *out, std::size_t size) override
    {
        if (path.empty())
            format(out, size, "/dev/ptmx");
        else
            File::describe(out, size);
    }

private:
    bool something_to_read() const
    {
        return slave_->output_bytes() || (slave_->packet_mode && slave_->packet_status) || slave_->closed_by_all();
    }
    Result<std::int32_t> open_peer(unsigned with);
    void set_packet_mode(bool on);
    Ref<PtySlave> slave_;
};

Result<std::size_t> PtyMasterFile::read(IoBuffer &to, std::uint64_t &)
{
    if (!to.left())
        return std::size_t{0};
    if (!something_to_read()) {
        if (nonblocking())
            return Error::again;
        TRY(wait_until(slave_->master_readers, [this] { return something_to_read(); }));
    }
    std::size_t total = 0;
    if (slave_->packet_mode) {
        std::uint8_t status = std::exchange(slave_->packet_status, std::uint8_t{0});
        total = TRY(to.put(&status, 1));
        if (status)
            return total;
    }
    char chunk[512];
    while (to.left()) {
        auto got = slave_->take_output(chunk, to.left() < sizeof chunk ? to.left() : sizeof chunk);
        if (!got)
            break;
        auto put = to.put(chunk, got);
        if (!put.ok())
            return total ? Result<std::size_t>{total} : put;
        total += put.value();
    }
    if (!total)
        return Error::io;  // all slaves closed
    return total;
}

Result<std::size_t> PtyMasterFile::write(IoBuffer &from, std::uint64_t &)
{
    char chunk[512];
    std::size_t total = 0;
    while (from.left()) {
        auto n = from.get(chunk, sizeof chunk);
        if (!n.ok())
            return total ? Result<std::size_t>{total} : n;
        for (std::size_t done = 0; done < n.value();) {
            auto taken = slave_->give_input(chunk + done, n.value() - done);
            done += taken;
            total += taken;
            if (taken)
                continue;
            if (nonblocking())
                return total ? Result<std::size_t>{total} : Error::again;
            auto slept = wait_until(slave_->master_writers, [this] { return slave_->input_room(); });
            if (!slept.ok())
                return total ? Result<std::size_t>{total} : slept.error();
        }
    }
    return total;
}

unsigned PtyMasterFile::poll(PollTable *table)
{
    if (table) {
        table->add(slave_->master_readers);
        table->add(slave_->master_writers);
    }
    unsigned events = 0;
    if (slave_->output_bytes())
        events |= POLLIN | POLLRDNORM;
    if (slave_->packet_mode && slave_->packet_status)
        events |= POLLPRI | POLLIN | POLLRDNORM;
    if (slave_->closed_by_all())
        events |= POLLHUP;
    if (slave_->input_room())
        events |= POLLOUT | POLLWRNORM;
    return events;
}

void PtyMasterFile::set_packet_mode(bool on)
{
    if (on && !slave_->packet_mode)
        slave_->packet_status = 0;
    slave_->packet_mode = on;
}

// TIOCGPTPEER: the slave whatever is mounted where; by its name if it has one, so that ttyname(3) works.
Result<std::int32_t> PtyMasterFile::open_peer(unsigned with)
{
    char name[24];
    format(name, sizeof name, "/dev/pts/%u", slave_->minor_number);
    auto locked = std::exchange(slave_->locked, false);
    auto by_name = open_path_kernel(name, with & ~o_cloexec);
    slave_->locked = locked;
    Ref<File> file = by_name.ok() && by_name.value()->as_tty() == slave_.get() ? by_name.value()
                                                                               : TRY(open_pty_slave(slave_, with));
    return TRY(current().files->install(std::move(file), (with & o_cloexec) != 0));
}

Result<std::int32_t> PtyMasterFile::ioctl(unsigned command, std::uint32_t argument)
{
    UserPtr<std::int32_t> number{argument};
    switch (command) {
    case TIOCGPTN: TRY(number.write(static_cast<std::int32_t>(slave_->minor_number))); return 0;
    case TIOCSPTLCK: slave_->locked = TRY(number.read()) != 0; return 0;
    case TIOCGPTLCK: TRY(number.write(std::int32_t{slave_->locked})); return 0;
    case TIOCPKT: set_packet_mode(TRY(number.read()) != 0); return 0;
    case TIOCGPKT: TRY(number.write(std::int32_t{slave_->packet_mode})); return 0;
    case TIOCGPTPEER: return open_peer(argument);
    case FIONREAD: TRY(number.write(static_cast<std::int32_t>(slave_->output_bytes()))); return 0;
    case TIOCGDEV: TRY(number.write(5 << 8 | 2)); return 0;
    case TIOCSIG: {
        arch::IrqGuard guard;
        if (argument < 1 || argument > 64)
            return Error::inval;
        slave_->raise(static_cast<int>(argument));
        return 0;
    }
    case TIOCSCTTY:
    case TIOCNOTTY: return Error::notty;
    default: return tty_ioctl(*slave_, command, argument, true);
    }
}
}  // namespace

Result<Ref<File>> open_ptmx(Inode &, unsigned, unsigned flags)
{
    auto slave = TRY(allocate_pty());
    auto file = make_ref<PtyMasterFile>(slave, flags);
    if (!file.ok()) {
        release_pty(*slave);
        return file.error();
    }
    return Ref<File>{file.value()};
}
}  // namespace kernel
