// SPDX-License-Identifier: MIT
// What is in /proc/N and /proc/N/task/T, and the short files of it.
#include <kernel/fs/fd_table.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/process/usage.hpp>
#include <kernel/procfs/process_text.hpp>
#include <lib/format.hpp>

namespace kernel {
namespace {
constexpr std::size_t most_argument_bytes = 1 << 20;

// A range of the process's own memory, as it is now.
Result<> show_memory(Text &out, ProcTarget const &target, Vaddr AddressSpace::*start, Vaddr AddressSpace::*end)
{
    auto thread = TRY(target.thread());
    auto space = thread->memory;
    if (!space)
        return {};
    char chunk[512];
    Vaddr at = (*space).*start;
    std::uint32_t left = (*space).*end > at ? (*space).*end - at : 0;
    if (left > most_argument_bytes)
        left = most_argument_bytes;
    while (left) {
        auto n = space->read_remote(at, chunk, left < sizeof chunk ? left : sizeof chunk);
        if (!n.ok() || !n.value())
            break;
        out.append({chunk, n.value()});
        at += static_cast<std::uint32_t>(n.value());
        left -= static_cast<std::uint32_t>(n.value());
    }
    return {};
}

Result<> show_cmdline(Text &out, ProcTarget const &t)
{
    return show_memory(out, t, &AddressSpace::arg_start, &AddressSpace::arg_end);
}
Result<> show_environ(Text &out, ProcTarget const &t)
{
    return show_memory(out, t, &AddressSpace::env_start, &AddressSpace::env_end);
}

Result<> show_comm(Text &out, ProcTarget const &target)
{
    out.print("%s\n", TRY(target.thread())->name);
    return {};
}

Result<> store_comm(std::string_view value, ProcTarget const &target)
{
    auto thread = TRY(target.thread());
    if (thread->process != current().process)
        return Error::inval;
    auto n = value.size() < sizeof thread->name - 1 ? value.size() : sizeof thread->name - 1;
    std::memcpy(thread->name, value.data(), n);
    thread->name[n] = 0;
    return {};
}

Result<> show_mounts_as(Text &out, ProcTarget const &target, MountFormat how)
{
    auto thread = TRY(target.thread());
    Path root = thread->fs ? thread->fs->root : root_path();
    std::unique_ptr<char[]> line{new (std::nothrow) char[path_max]};
    if (!line)
        return Error::nomem;
    for (unsigned i = 0; describe_mount(i, how, root, line.get(), path_max); ++i)
        out.append(line.get());
    return {};
}
Result<> show_mounts(Text &out, ProcTarget const &t) { return show_mounts_as(out, t, MountFormat::mounts); }
Result<> show_mountinfo(Text &out, ProcTarget const &t) { return show_mounts_as(out, t, MountFormat::mountinfo); }

Result<> show_limits(Text &out, ProcTarget const &target)
{
    struct Limit {
        char const *name, *unit;
        unsigned index;
    };
    static constexpr Limit limits[] = {
        {"Max cpu time", "seconds", limit_cpu},         {"Max file size", "bytes", limit_fsize},
        {"Max data size", "bytes", limit_data},         {"Max stack size", "bytes", limit_stack},
        {"Max core file size", "bytes", limit_core},    {"Max resident set", "bytes", limit_rss},
        {"Max processes", "processes", limit_nproc},    {"Max open files", "files", limit_nofile},
        {"Max locked memory", "bytes", limit_memlock},  {"Max address space", "bytes", limit_as},
        {"Max file locks", "locks", limit_locks},       {"Max pending signals", "signals", limit_sigpending},
        {"Max msgqueue size", "bytes", limit_msgqueue}, {"Max nice priority", "", limit_nice},
        {"Max realtime priority", "", limit_rtprio},    {"Max realtime timeout", "us", limit_rttime},
    };
    auto process = TRY(target.process());
    out.print("%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (auto const &l : limits) {
        char value[2][24];
        auto const &limit = process->limits[l.index];
        for (unsigned i = 0; i < 2; ++i) {
            auto n = i ? limit.hard : limit.soft;
            if (n == limit_infinity)
                format(value[i], sizeof value[i], "unlimited");
            else
                format(value[i], sizeof value[i], "%llu", static_cast<unsigned long long>(n));
        }
        out.print("%-25s %-20s %-20s %-10s\n", l.name, value[0], value[1], l.unit);
    }
    return {};
}

Result<> show_io(Text &out, ProcTarget const &target)  // transfers are not counted
{
    TRY(target.process());
    for (auto name : {"rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes", "cancelled_write_bytes"})
        out.print("%s: 0\n", name);
    return {};
}

Result<> show_schedstat(Text &out, ProcTarget const &target)
{
    auto times = times_of(*TRY(target.thread()));
    out.print("%llu 0 0\n", static_cast<unsigned long long>(times.user_ns + times.kernel_ns));
    return {};
}

template <char const *Constant>
Result<> show_constant(Text &out, ProcTarget const &target)
{
    TRY(target.thread());
    out.append(Constant);
    return {};
}
constexpr char zero_line[] = "0\n", zero[] = "0", no_login[] = "4294967295", cgroup[] = "0::/\n",
               personality[] = "00000000\n", id_map[] = "         0          0 4294967295\n",
               core_filter[] = "00000033\n", setgroups[] = "allow\n";

Result<> store_nothing(std::string_view, ProcTarget const &) { return {}; }

// --- links ---------------------------------------------------------------------

Result<Path> follow_cwd(ProcTarget const &t)
{
    auto thread = TRY(t.thread());
    if (!may_inspect(*thread->process))
        return Error::acces;
    if (!thread->fs)
        return Error::noent;
    return thread->fs->cwd;
}
Result<Path> follow_root(ProcTarget const &t)
{
    auto thread = TRY(t.thread());
    if (!may_inspect(*thread->process))
        return Error::acces;
    if (!thread->fs)
        return Error::noent;
    return thread->fs->root;
}
Result<Path> follow_exe(ProcTarget const &t)
{
    auto thread = TRY(t.thread());
    if (!may_inspect(*thread->process))
        return Error::acces;
    if (!thread->memory || !thread->memory->executable)
        return Error::noent;
    return thread->memory->executable->path;
}

template <Result<Path> (*Follow)(ProcTarget const &)>
Result<> link_of(Text &out, ProcTarget const &t)
{
    auto path = TRY(Follow(t));
    std::unique_ptr<char[]> name{new (std::nothrow) char[path_max]};
    if (!name)
        return Error::nomem;
    auto n = TRY(path.format(current().fs ? current().fs->root : root_path(), name.get(), path_max));
    out.append({name.get(), n});
    return {};
}

template <char const *Name, unsigned Number>
Result<> namespace_link(Text &out, ProcTarget const &t)
{
    TRY(t.thread());
    out.print("%s:[%u]", Name, Number);
    return {};
}
constexpr char ns_mnt[] = "mnt", ns_pid[] = "pid", ns_user[] = "user", ns_net[] = "net", ns_uts[] = "uts",
               ns_ipc[] = "ipc", ns_cgroup[] = "cgroup", ns_time[] = "time";

constexpr std::uint32_t file = s_ifreg | 0444, own_file = s_ifreg | 0400, writable = s_ifreg | 0644,
                        link = s_iflnk | 0777, directory = s_ifdir | 0555, own_directory = s_ifdir | 0500;

// clang-format off
constexpr ProcEntry namespaces[] = {    // one of each; the numbers are those of Linux's first ones
    {.name = "cgroup", .mode = link, .link = namespace_link<ns_cgroup, 4026531835>},
    {.name = "ipc", .mode = link, .link = namespace_link<ns_ipc, 4026531839>},
    {.name = "mnt", .mode = link, .link = namespace_link<ns_mnt, 4026531841>},
    {.name = "net", .mode = link, .link = namespace_link<ns_net, 4026531840>},
    {.name = "pid", .mode = link, .link = namespace_link<ns_pid, 4026531836>},
    {.name = "time", .mode = link, .link = namespace_link<ns_time, 4026531834>},
    {.name = "user", .mode = link, .link = namespace_link<ns_user, 4026531837>},
    {.name = "uts", .mode = link, .link = namespace_link<ns_uts, 4026531838>},
};

std::span<ProcEntry const> namespace_entries() { return namespaces; }

#define COMMON_ENTRIES                                                                                     \
    {.name = "auxv", .mode = own_file, .show = show_auxv},                                                 \
    {.name = "cgroup", .mode = file, .show = show_constant<cgroup>},                                       \
    {.name = "cmdline", .mode = file, .show = show_cmdline},                                               \
    {.name = "comm", .mode = writable, .show = show_comm, .store = store_comm},                            \
    {.name = "cwd", .mode = link, .link = link_of<follow_cwd>, .follow = follow_cwd},                      \
    {.name = "environ", .mode = own_file, .show = show_environ},                                           \
    {.name = "exe", .mode = link, .link = link_of<follow_exe>, .follow = follow_exe},                      \
    {.name = "fd", .mode = own_directory, .make = make_fd_directory},                                      \
    {.name = "fdinfo", .mode = own_directory, .make = make_fdinfo_directory},                              \
    {.name = "gid_map", .mode = file, .show = show_constant<id_map>},                                      \
    {.name = "io", .mode = own_file, .show = show_io},                                                     \
    {.name = "limits", .mode = file, .show = show_limits},                                                 \
    {.name = "loginuid", .mode = writable, .show = show_constant<no_login>, .store = store_nothing},       \
    {.name = "maps", .mode = file, .show = show_maps},                                                     \
    {.name = "mem", .mode = s_ifreg | 0600, .make = make_memory_inode},                                    \
    {.name = "mountinfo", .mode = file, .show = show_mountinfo},                                           \
    {.name = "mounts", .mode = file, .show = show_mounts},                                                 \
    {.name = "net", .mode = directory, .children = proc_net_entries},                                      \
    {.name = "ns", .mode = directory, .children = namespace_entries},                                      \
    {.name = "oom_score", .mode = file, .show = show_constant<zero_line>},                                 \
    {.name = "oom_score_adj", .mode = writable, .show = show_constant<zero_line>, .store = store_nothing}, \
    {.name = "personality", .mode = own_file, .show = show_constant<personality>},                         \
    {.name = "root", .mode = link, .link = link_of<follow_root>, .follow = follow_root},                   \
    {.name = "schedstat", .mode = file, .show = show_schedstat},                                           \
    {.name = "sessionid", .mode = file, .show = show_constant<no_login>},                                  \
    {.name = "setgroups", .mode = file, .show = show_constant<setgroups>},                                 \
    {.name = "smaps", .mode = file, .show = show_smaps},                                                   \
    {.name = "smaps_rollup", .mode = file, .show = show_smaps_rollup},                                     \
    {.name = "stat", .mode = file, .show = show_process_stat},                                             \
    {.name = "statm", .mode = file, .show = show_statm},                                                   \
    {.name = "status", .mode = file, .show = show_status},                                                 \
    {.name = "uid_map", .mode = file, .show = show_constant<id_map>},                                      \
    {.name = "wchan", .mode = file, .show = show_constant<zero>}

constexpr ProcEntry process_entries[] = {
    COMMON_ENTRIES,
    {.name = "coredump_filter", .mode = writable, .show = show_constant<core_filter>, .store = store_nothing},
    {.name = "task", .mode = directory, .make = make_task_directory},
};
constexpr ProcEntry thread_entries[] = {
    COMMON_ENTRIES,
    {.name = "children", .mode = file, .show = show_children},
};
// clang-format on
}  // namespace

std::span<ProcEntry const> proc_process_entries() { return process_entries; }
std::span<ProcEntry const> proc_thread_entries() { return thread_entries; }
}  // namespace kernel
