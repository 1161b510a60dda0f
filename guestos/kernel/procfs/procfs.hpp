// SPDX-License-Identifier: MIT
// proc(5). A tree of tables: each entry says what kind of file it is and which function makes its text or finds its target.
//
//   ProcRoot --- system_entries: meminfo, stat, sys/…        same tables under every mount
//       `------- N/ --- process_entries: stat, status, …     ProcTarget says which process, thread or descriptor
//                  |--- task/T/ --- the same for one thread
//                  `--- fd/M, fdinfo/M
//
// Names come and go with processes, so nothing is cached. Targets are numbers, looked up at each use: a process that is gone
// gives ENOENT (names) or ESRCH (open files).
#pragma once
#include <kernel/fs/file.hpp>
#include <kernel/process/process.hpp>
#include <kernel/procfs/text.hpp>
#include <span>

namespace kernel {
struct ProcTarget {
    Pid pid = 0, tid = 0;  // tid 0: the whole process
    int fd = -1;
    Result<Ref<Process>> process() const;
    Result<Ref<Thread>> thread() const;  // tid's, else the leader
};

struct ProcEntry {
    char const *name;
    std::uint32_t mode;  // S_IF* and permissions
    Result<> (*show)(Text &, ProcTarget const &) = nullptr;
    Result<> (*store)(std::string_view, ProcTarget const &) = nullptr;
    // Symbolic links: the text; and where a magic one leads to.
    Result<> (*link)(Text &, ProcTarget const &) = nullptr;
    Result<Path> (*follow)(ProcTarget const &) = nullptr;
    std::span<ProcEntry const> (*children)() = nullptr;  // directories
    // What does not fit the table: directories of numbers, /proc/N/mem.
    Result<Ref<Inode>> (*make)(SuperBlock &, ProcEntry const &, ProcTarget const &) = nullptr;
};

std::span<ProcEntry const> proc_system_entries();   // /proc
void add_proc_entry(ProcEntry const &);             // to /proc, for good: a driver's, before the first mount
std::span<ProcEntry const> proc_process_entries();  // /proc/N
std::span<ProcEntry const> proc_thread_entries();   // /proc/N/task/T
std::span<ProcEntry const> proc_sys_entries();      // /proc/sys
std::span<ProcEntry const> proc_net_entries();      // /proc/net

class ProcInode : public Inode {
public:
    ProcInode(SuperBlock &sb, ProcEntry const &entry, ProcTarget const &target);
    bool cacheable() const override { return false; }
    Result<> refresh() override;  // owner: the process's
    Result<> set_attributes(Attributes const &, unsigned) override { return Error::perm; }
    Result<Ref<File>> open(unsigned flags) override;
    Result<std::size_t> read_link(char *, std::size_t) override;
    Result<Path> follow_magic() override;
    ProcEntry const &entry() const { return entry_; }
    ProcTarget const &target() const { return target_; }

protected:
    ProcEntry const &entry_;
    ProcTarget const target_;
};

// A directory over a table; subclasses add names that are numbers.
class ProcDirectory : public ProcInode {
public:
    ProcDirectory(SuperBlock &sb, ProcEntry const &e, ProcTarget const &t, std::span<ProcEntry const> table)
        : ProcInode{sb, e, t}, table_{table}
    {
    }
    Result<Ref<Inode>> lookup(std::string_view) override;
    Result<Ref<File>> open(unsigned flags) override;
    std::span<ProcEntry const> table() const { return table_; }
    // The first number >= from that is a name here, or -1.
    virtual std::int32_t next_number(std::int32_t /*from*/) { return -1; }
    virtual Result<Ref<Inode>> lookup_number(std::int32_t) { return Error::noent; }
    virtual unsigned number_type() const { return 4; }  // DT_DIR

private:
    std::span<ProcEntry const> table_;
};

Result<Ref<Inode>> make_proc_inode(SuperBlock &, ProcEntry const &, ProcTarget const &);
Result<Ref<Inode>> make_task_directory(SuperBlock &, ProcEntry const &, ProcTarget const &);
Result<Ref<Inode>> make_fd_directory(SuperBlock &, ProcEntry const &, ProcTarget const &);
Result<Ref<Inode>> make_fdinfo_directory(SuperBlock &, ProcEntry const &, ProcTarget const &);
Result<Ref<Inode>> make_memory_inode(SuperBlock &, ProcEntry const &, ProcTarget const &);
Result<Ref<Inode>> make_kmsg_inode(SuperBlock &, ProcEntry const &, ProcTarget const &);
// May the running thread look into that process, as ptrace(2), "Ptrace access mode checking", has it?
bool may_inspect(Process &);
Result<> store_sysrq(std::string_view keys, ProcTarget const &);  // sysrq.cpp: /proc/sysrq-trigger
Result<> show_unix_sockets(Text &, ProcTarget const &);           // ipc/: /proc/net/unix
Result<> show_shared_memory(Text &, ProcTarget const &);          // ipc/: /proc/sysvipc/shm
std::uint32_t proc_ino(void const *entry, ProcTarget const &);
}  // namespace kernel
