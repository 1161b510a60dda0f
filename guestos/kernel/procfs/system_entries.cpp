// SPDX-License-Identifier: MIT
// What is in /proc besides processes.
#include <arch/cpu.hpp>
#include <iterator>
#include <kernel/block/block_device.hpp>
#include <kernel/command_line.hpp>
#include <kernel/devices/kmsg.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/procfs/system_text.hpp>

namespace kernel {
namespace {
Result<> link_self(Text &out, ProcTarget const &)
{
    if (!current().process)
        return Error::noent;
    out.print("%d", current().process->pid);
    return {};
}
Result<> link_thread_self(Text &out, ProcTarget const &)
{
    if (!current().process)
        return Error::noent;
    out.print("%d/task/%d", current().process->pid, current().tid);
    return {};
}
template <char const *Name>
Result<> link_to(Text &out, ProcTarget const &)
{
    out.append(Name);
    return {};
}
template <char const *Constant>
Result<> show_constant(Text &out, ProcTarget const &)
{
    out.append(Constant);
    return {};
}

Result<> show_file_systems(Text &out, ProcTarget const &)
{
    char text[1024];
    out.append({text, describe_file_systems(text, sizeof text)});
    return {};
}

Result<> show_command_line(Text &out, ProcTarget const &)
{
    out.print("%s\n", command_line());
    return {};
}

class KmsgInode final : public ProcInode {
public:
    using ProcInode::ProcInode;
    Result<Ref<File>> open(unsigned flags) override { return open_proc_kmsg(flags); }
};

constexpr char
    self_mounts[] = "self/mounts",
    self_net[] = "self/net", nothing[] = "", swaps[] = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
    character_devices
        [] = "Character devices:\n  1 mem\n  4 ttyS\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n229 hvc\n"
             "\nBlock devices:\n",
    terminal_drivers[] = "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
                         "/dev/console         /dev/console    5       1 system:console\n"
                         "/dev/ptmx            /dev/ptmx       5       2 system\n"
                         "serial               /dev/ttyS       4 64-64 serial\n"
                         "pty_slave            /dev/pts      136 0-255 pty:slave\n",
    msg_header[] = "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime  "
                   "    rtime      ctime\n",
    sem_header[] = "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n";

Result<> show_partitions(Text &out, ProcTarget const &)
{
    describe_partitions(out);
    return {};
}
Result<> show_disk_statistics(Text &out, ProcTarget const &)
{
    describe_disk_statistics(out);
    return {};
}
Result<> show_devices(Text &out, ProcTarget const &)
{
    out.append(character_devices);
    describe_block_majors(out);
    return {};
}

constexpr std::uint32_t file = s_ifreg | 0444, link = s_iflnk | 0777, directory = s_ifdir | 0555;

// clang-format off
constexpr ProcEntry tty_entries[] = {
    {.name = "drivers", .mode = file, .show = show_constant<terminal_drivers>},
};
constexpr ProcEntry ipc_entries[] = {
    {.name = "msg", .mode = file, .show = show_constant<msg_header>},
    {.name = "sem", .mode = file, .show = show_constant<sem_header>},
    {.name = "shm", .mode = file, .show = show_shared_memory},
};
std::span<ProcEntry const> tty_directory() { return tty_entries; }
std::span<ProcEntry const> ipc_directory() { return ipc_entries; }

constexpr ProcEntry system_entries[] = {
    {.name = "cmdline", .mode = file, .show = show_command_line},
    {.name = "cpuinfo", .mode = file, .show = show_cpuinfo},
    {.name = "devices", .mode = file, .show = show_devices},
    {.name = "diskstats", .mode = file, .show = show_disk_statistics},
    {.name = "filesystems", .mode = file, .show = show_file_systems},
    {.name = "interrupts", .mode = file, .show = show_interrupts},
    {.name = "kmsg", .mode = s_ifreg | 0400, .make = make_kmsg_inode},
    {.name = "loadavg", .mode = file, .show = show_loadavg},
    {.name = "locks", .mode = file, .show = show_constant<nothing>},
    {.name = "meminfo", .mode = file, .show = show_meminfo},
    {.name = "modules", .mode = file, .show = show_constant<nothing>},
    {.name = "mounts", .mode = link, .link = link_to<self_mounts>},
    {.name = "net", .mode = link, .link = link_to<self_net>},
    {.name = "partitions", .mode = file, .show = show_partitions},
    {.name = "self", .mode = link, .link = link_self},
    {.name = "stat", .mode = file, .show = show_stat},
    {.name = "swaps", .mode = file, .show = show_constant<swaps>},
    {.name = "sys", .mode = directory, .children = proc_sys_entries},
    {.name = "sysrq-trigger", .mode = s_ifreg | 0200, .store = store_sysrq},
    {.name = "sysvipc", .mode = directory, .children = ipc_directory},
    {.name = "thread-self", .mode = link, .link = link_thread_self},
    {.name = "tty", .mode = directory, .children = tty_directory},
    {.name = "uptime", .mode = file, .show = show_uptime},
    {.name = "version", .mode = file, .show = show_version},
    {.name = "vmstat", .mode = file, .show = show_vmstat},
};
// clang-format on

constexpr std::size_t own_count = std::size(system_entries), room = 8;
constinit ProcEntry all_entries[own_count + room]{};
constinit std::size_t entry_count = 0;

void take_own_entries()
{
    if (entry_count == 0)
        for (auto const &e : system_entries)
            all_entries[entry_count++] = e;
}
}  // namespace

std::span<ProcEntry const> proc_system_entries()
{
    take_own_entries();
    return {all_entries, entry_count};
}

void add_proc_entry(ProcEntry const &e)
{
    take_own_entries();
    ASSERT(entry_count < std::size(all_entries));
    all_entries[entry_count++] = e;
}

Result<Ref<Inode>> make_kmsg_inode(SuperBlock &sb, ProcEntry const &e, ProcTarget const &t)
{
    return Ref<Inode>{TRY(make_ref<KmsgInode>(sb, e, t))};
}
}  // namespace kernel
