// SPDX-License-Identifier: MIT
// pidfd_open(2) and what is done with one. waitid(2) P_PIDFD asks File::pidfd_pid().
#include <kernel/fs/fd_table.hpp>
#include <kernel/ipc/anonymous.hpp>
#include <kernel/ipc/pidfd.hpp>
#include <kernel/process/signal_state.hpp>
#include <kernel/procfs/procfs.hpp>
#include <kernel/syscall/syscall.hpp>
#include <lib/format.hpp>
#include <linux/poll.h>

namespace kernel {
namespace {
constexpr unsigned pidfd_nonblock = 04000, o_rdwr = 2, o_cloexec = 02000000;

class PidFile final : public File {
public:
    PidFile(Ref<Process> p, unsigned open_flags) : File{open_flags}, process{std::move(p)} {}
    unsigned poll(PollTable *table) override  // readable once it has ended
    {
        if (table)
            table->add(process->shared_signals.arrived);
        return process->zombie ? POLLIN | POLLRDNORM : 0;
    }
    std::int32_t pidfd_pid() override { return process->pid; }
    void describe(char *out, std::size_t size) override { format(out, size, "anon_inode:[pidfd]"); }
    Ref<Process> const process;
};

struct PidHandle {
    Ref<File> file;
    Process &process() const { return *static_cast<PidFile *>(file.get())->process; }
};
Result<PidHandle> pid_of(int fd)
{
    PidHandle h{TRY(current().files->get(fd))};
    if (h.file->pidfd_pid() < 0)
        return Error::badf;
    return h;
}

Result<std::int32_t> sys_pidfd_open(Pid pid, unsigned flags)
{
    if (flags & ~pidfd_nonblock || pid <= 0)
        return Error::inval;
    auto process = find_process(pid);
    if (!process)
        return find_thread(pid) ? Error::inval : Error::srch;
    return install_anonymous(TRY(make_pidfd(std::move(process), flags)), o_cloexec);
}

Result<> sys_pidfd_send_signal(int fd, std::int32_t signo, UserPtr<SignalInfo> info, unsigned flags)
{
    if (flags)
        return Error::inval;
    if (signo < 0 || signo > 64)
        return Error::inval;
    auto h = TRY(pid_of(fd));
    SignalInfo sent = SignalInfo::user(signo);
    if (info) {
        sent = TRY(info.read());
        if (sent.signo != signo)
            return Error::inval;
        bool forged = sent.code >= 0 || sent.code == -6;  // SI_TKILL: only the kernel's own words
        if (forged && h.process().pid != current_process().pid)
            return Error::perm;
    }
    if (!may_send(current().credentials, h.process(), signo))
        return Error::perm;
    if (find_process(h.process().pid).get() != &h.process())
        return Error::srch;
    if (signo == 0)
        return {};
    return send_signal(h.process(), sent);
}

Result<std::int32_t> sys_pidfd_getfd(int fd, int wanted, unsigned flags)
{
    if (flags)
        return Error::inval;
    auto h = TRY(pid_of(fd));
    if (h.process().zombie || !h.process().leader || !h.process().leader->files)
        return Error::srch;
    if (!may_inspect(h.process()))
        return Error::perm;
    return install_anonymous(TRY(h.process().leader->files->get(wanted)), o_cloexec);
}

SYSCALL(pidfd_open, 434, sys_pidfd_open);
SYSCALL(pidfd_send_signal, 424, sys_pidfd_send_signal);
SYSCALL(pidfd_getfd, 438, sys_pidfd_getfd);
}  // namespace

Result<Ref<File>> make_pidfd(Ref<Process> process, unsigned flags)
{
    return Ref<File>{TRY(make_ref<PidFile>(std::move(process), o_rdwr | (flags & pidfd_nonblock)))};
}
}  // namespace kernel
