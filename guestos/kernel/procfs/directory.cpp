// SPDX-License-Identifier: MIT
// Directories of procfs, the root among them, and mounting it.
#include <kernel/fs/mount.hpp>
#include <kernel/procfs/procfs.hpp>
#include <lib/format.hpp>

namespace kernel {
namespace {
constexpr unsigned dt_dir = 4;
constexpr std::uint64_t first_number_position = 0x1000;  // positions: ".", "..", the table, then numbers

// "12": decimal without sign or leading zero.
std::int32_t parse_number(std::string_view s)
{
    if (s.empty() || s.size() > 9 || (s[0] == '0' && s.size() > 1))
        return -1;
    std::int32_t n = 0;
    for (char c : s) {
        if (c < '0' || c > '9')
            return -1;
        n = n * 10 + (c - '0');
    }
    return n;
}

class ProcDirectoryFile final : public File {
public:
    ProcDirectoryFile(Ref<ProcDirectory> d, unsigned open_flags) : File{open_flags}, directory_{std::move(d)} {}
    bool seekable() const override { return true; }
    Result<std::size_t> read(IoBuffer &, std::uint64_t &) override { return Error::isdir; }
    Result<> read_directory(DirectorySink &) override;

private:
    bool dots_and_table(DirectorySink &);
    Ref<ProcDirectory> directory_;
};

bool ProcDirectoryFile::dots_and_table(DirectorySink &sink)
{
    auto const &d = *directory_;
    for (; position < 2; ++position)
        if (!sink.add(position == 0 ? "." : "..", d.attributes.ino, dt_dir, position + 1))
            return false;
    for (; position - 2 < d.table().size(); ++position) {
        auto const &e = d.table()[static_cast<std::size_t>(position - 2)];
        if (!sink.add(e.name, proc_ino(&e, d.target()), e.mode >> 12, position + 1))
            return false;
    }
    return true;
}

Result<> ProcDirectoryFile::read_directory(DirectorySink &sink)
{
    if (position < first_number_position) {
        if (!dots_and_table(sink))
            return {};
        position = first_number_position;
    }
    for (;;) {
        auto number = directory_->next_number(static_cast<std::int32_t>(position - first_number_position));
        if (number < 0)
            return {};
        char name[12];
        format(name, sizeof name, "%d", number);
        auto next = first_number_position + static_cast<std::uint64_t>(number) + 1;
        if (!sink.add(name, static_cast<std::uint64_t>(number) + 1, directory_->number_type(), next))
            return {};
        position = next;
    }
}
}  // namespace

Result<Ref<Inode>> make_proc_inode(SuperBlock &sb, ProcEntry const &e, ProcTarget const &t)
{
    if (e.make)
        return e.make(sb, e, t);
    if ((e.mode & s_ifmt) == s_ifdir)
        return Ref<Inode>{TRY(make_ref<ProcDirectory>(sb, e, t, e.children()))};
    return Ref<Inode>{TRY(make_ref<ProcInode>(sb, e, t))};
}

Result<Ref<Inode>> ProcDirectory::lookup(std::string_view name)
{
    if (target_.pid && !target_.thread().ok())
        return Error::noent;
    for (auto const &e : table_)
        if (name == e.name)
            return make_proc_inode(super, e, target_);
    auto number = parse_number(name);
    return number < 0 ? Result<Ref<Inode>>{Error::noent} : lookup_number(number);
}

Result<Ref<File>> ProcDirectory::open(unsigned flags)
{
    if (target_.pid && !(attributes.mode & 0004)) {
        auto p = TRY(target_.process());
        if (!may_inspect(*p))
            return Error::acces;
    }
    return Ref<File>{TRY(make_ref<ProcDirectoryFile>(Ref<ProcDirectory>{this}, flags))};
}

namespace {
struct Search {
    std::int32_t from, found = -1;
};

constexpr ProcEntry process_directory{.name = "", .mode = s_ifdir | 0555};

class ProcRoot final : public ProcDirectory {
public:
    ProcRoot(SuperBlock &sb, ProcEntry const &e) : ProcDirectory{sb, e, {}, proc_system_entries()}
    {
        attributes.ino = 1;
    }
    std::int32_t next_number(std::int32_t from) override
    {
        Search s{from};
        for_each_process(
            [](void *context, Process &p) {
                auto &search = *static_cast<Search *>(context);
                if (p.pid < search.from)
                    return true;
                search.found = p.pid;
                return false;
            },
            &s);
        return s.found;
    }
    Result<Ref<Inode>> lookup_number(std::int32_t number) override
    {
        auto process = find_process(number);
        if (!process) {
            auto t = find_thread(number);  // not listed, but there: /proc/TID
            if (!t || !t->process)
                return Error::noent;
            process = t->process;
        }
        ProcTarget target{.pid = process->pid};
        return Ref<Inode>{TRY(make_ref<ProcDirectory>(super, process_directory, target, proc_process_entries()))};
    }
};

class TaskDirectory final : public ProcDirectory {
public:
    TaskDirectory(SuperBlock &sb, ProcEntry const &e, ProcTarget const &t) : ProcDirectory{sb, e, t, {}} {}
    std::int32_t next_number(std::int32_t from) override
    {
        auto process = target_.process();
        if (!process.ok())
            return -1;
        Search s{from};
        for_each_thread(
            *process.value(),
            [](void *context, Thread &t) {
                auto &search = *static_cast<Search *>(context);
                if (t.tid >= search.from && (search.found < 0 || t.tid < search.found))
                    search.found = t.tid;
                return true;
            },
            &s);
        return s.found;
    }
    Result<Ref<Inode>> lookup_number(std::int32_t number) override
    {
        ProcTarget target{.pid = target_.pid, .tid = number};
        if (!target.thread().ok())
            return Error::noent;
        return Ref<Inode>{TRY(make_ref<ProcDirectory>(super, process_directory, target, proc_thread_entries()))};
    }
};

constexpr ProcEntry root_entry{.name = "", .mode = s_ifdir | 0555};

class ProcSuper final : public SuperBlock {
public:
    Ref<Inode> root() override
    {
        if (!root_) {
            auto made = make_ref<ProcRoot>(*this, root_entry);
            if (made.ok())
                root_ = made.value();
        }
        return root_;
    }
    char const *type_name() const override { return "proc"; }
    Statistics statistics() override { return {0x9fa0, 4096, 0, 0, 0, 0, 0, 255}; }
    void unmounted() override { root_ = nullptr; }

private:
    Ref<Inode> root_;
};

Result<Ref<SuperBlock>> mount_proc(std::string_view, unsigned, std::string_view)
{
    auto super = TRY(make_ref<ProcSuper>());
    if (!super->root())
        return Error::nomem;
    return Ref<SuperBlock>{super};
}
REGISTER_FILE_SYSTEM(proc_file_system, "proc", false, mount_proc);
}  // namespace

Result<Ref<Inode>> make_task_directory(SuperBlock &sb, ProcEntry const &e, ProcTarget const &t)
{
    return Ref<Inode>{TRY(make_ref<TaskDirectory>(sb, e, ProcTarget{.pid = t.pid}))};
}
}  // namespace kernel
