// SPDX-License-Identifier: MIT
// signalfd(2): pending signals of whoever reads, as data.
#include <kernel/fs/fd_table.hpp>
#include <kernel/ipc/anonymous.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>
#include <lib/format.hpp>
#include <linux/poll.h>
#include <linux/signalfd.h>

namespace kernel {
namespace {
constexpr unsigned sfd_nonblock = 04000, sfd_cloexec = 02000000, o_rdwr = 2;
constexpr SignalSet never = signal_bit(9) | signal_bit(19);  // SIGKILL, SIGSTOP

signalfd_siginfo translate(SignalInfo const &from)
{
    signalfd_siginfo to{};
    to.ssi_signo = static_cast<std::uint32_t>(from.signo);
    to.ssi_errno = from.error;
    to.ssi_code = from.code;
    to.ssi_pid = static_cast<std::uint32_t>(from.rt.pid);
    to.ssi_uid = from.rt.uid;
    to.ssi_int = static_cast<std::int32_t>(from.rt.value);
    to.ssi_ptr = from.rt.value;
    if (from.signo == 17) {  // SIGCHLD
        to.ssi_status = from.child.status;
        to.ssi_utime = static_cast<std::uint64_t>(from.child.utime);
        to.ssi_stime = static_cast<std::uint64_t>(from.child.stime);
        to.ssi_int = 0;
        to.ssi_ptr = 0;
    }
    constexpr int si_timer = -2;
    if (from.code == si_timer) {
        to.ssi_tid = static_cast<std::uint32_t>(from.timer.timer_id);
        to.ssi_overrun = static_cast<std::uint32_t>(from.timer.overrun);
        to.ssi_pid = to.ssi_uid = 0;
    }
    return to;
}

class SignalFile final : public File {
public:
    SignalFile(SignalSet wanted_, unsigned open_flags) : File{open_flags}, wanted{wanted_} {}
    Result<std::size_t> read(IoBuffer &to, std::uint64_t &) override
    {
        if (to.left() < sizeof(signalfd_siginfo))
            return Error::inval;
        std::size_t total = 0;
        while (to.left() >= sizeof(signalfd_siginfo)) {
            SignalInfo info;
            if (!take_signal(wanted, info)) {
                if (total)
                    break;
                if (nonblocking())
                    return Error::again;
                auto &arrived = current_process().shared_signals.arrived;
                TRY(wait_until(arrived, [this] { return (pending_signals(current()) & wanted) != 0; }));
                continue;
            }
            auto record = translate(info);
            total += TRY(to.put(&record, sizeof record));
        }
        return total;
    }
    unsigned poll(PollTable *table) override
    {
        if (table)
            table->add(current_process().shared_signals.arrived);
        return pending_signals(current()) & wanted ? POLLIN | POLLRDNORM : 0;
    }
    void describe(char *out, std::size_t size) override { format(out, size, "anon_inode:[signalfd]"); }
    static constexpr char kind[] = "signalfd";
    char const *anonymous_kind() const override { return kind; }
    SignalSet wanted;
};

Result<std::int32_t> sys_signalfd4(int fd, UserPtr<SignalSet> mask, std::uint32_t mask_bytes, unsigned flags)
{
    if (flags & ~(sfd_nonblock | sfd_cloexec))
        return Error::inval;
    if (mask_bytes != sizeof(SignalSet))
        return Error::inval;
    SignalSet wanted = TRY(mask.read()) & ~never;
    if (fd == -1)
        return install_anonymous(Ref<File>{TRY(make_ref<SignalFile>(wanted, o_rdwr | (flags & sfd_nonblock)))}, flags);
    auto file = TRY(current().files->get(fd));
    if (file->anonymous_kind() != SignalFile::kind)
        return Error::inval;
    static_cast<SignalFile *>(file.get())->wanted = wanted;
    current_process().shared_signals.arrived.wake_all();
    return fd;
}
Result<std::int32_t> sys_signalfd(int fd, UserPtr<SignalSet> mask, std::uint32_t mask_bytes)
{
    return sys_signalfd4(fd, mask, mask_bytes, 0);
}

SYSCALL(signalfd, 321, sys_signalfd);
SYSCALL(signalfd4, 327, sys_signalfd4);
}  // namespace
}  // namespace kernel
