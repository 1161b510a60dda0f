// SPDX-License-Identifier: MIT
// /proc/N/fd and fdinfo: one name for each open descriptor; those of fd lead straight to the open file's object.
#include <kernel/fs/fd_table.hpp>
#include <kernel/procfs/procfs.hpp>

namespace kernel {
namespace {
Result<Ref<File>> open_file(ProcTarget const &t)
{
    auto thread = TRY(t.thread());
    if (!may_inspect(*thread->process))
        return Error::acces;
    if (!thread->files)
        return Error::noent;
    auto file = thread->files->get(t.fd);
    return file.ok() ? file : Error::noent;
}

Result<> link_fd(Text &out, ProcTarget const &t)
{
    auto file = TRY(open_file(t));
    std::unique_ptr<char[]> name{new (std::nothrow) char[path_max]};
    if (!name)
        return Error::nomem;
    file->describe(name.get(), path_max);
    out.append(name.get());
    return {};
}

Result<Path> follow_fd(ProcTarget const &t) { return TRY(open_file(t))->path; }

Result<> show_fdinfo(Text &out, ProcTarget const &t)
{
    constexpr unsigned o_cloexec = 02000000;
    auto file = TRY(open_file(t));
    auto thread = TRY(t.thread());
    unsigned flags = file->flags | (thread->files->cloexec(t.fd).value_or(false) ? o_cloexec : 0);
    out.print("pos:\t%llu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%llu\n", static_cast<unsigned long long>(file->position),
              flags, 0u,
              static_cast<unsigned long long>(file->inode() ? file->inode()->attributes.ino
                                                            : file->anonymous_attributes().ino));
    return {};
}

constexpr ProcEntry fd_entry{.name = "", .mode = s_iflnk | 0700, .link = link_fd, .follow = follow_fd};
constexpr ProcEntry fdinfo_entry{.name = "", .mode = s_ifreg | 0400, .show = show_fdinfo};

class FdLink final : public ProcInode {
public:
    FdLink(SuperBlock &sb, ProcTarget const &t) : ProcInode{sb, fd_entry, t}
    {
        if (auto f = open_file(t); f.ok())  // the owner's bits show how it is open
            attributes.mode = s_iflnk | 0100 | (f.value()->readable() ? 0400 : 0) | (f.value()->writable() ? 0200 : 0);
    }
    Result<Ref<File>> magic_file() override { return open_file(target_); }
};

class DescriptorDirectory final : public ProcDirectory {
public:
    DescriptorDirectory(SuperBlock &sb, ProcEntry const &e, ProcTarget const &t, bool info)
        : ProcDirectory{sb, e, t, {}}, info_{info}
    {
    }
    unsigned number_type() const override { return info_ ? 8 : 10; }  // DT_REG, DT_LNK
    std::int32_t next_number(std::int32_t from) override
    {
        auto thread = target_.thread();
        if (!thread.ok() || !thread.value()->files)
            return -1;
        return thread.value()->files->next_open(from);
    }
    Result<Ref<Inode>> lookup_number(std::int32_t number) override
    {
        ProcTarget target = target_;
        target.fd = number;
        TRY(open_file(target));
        if (info_)
            return Ref<Inode>{TRY(make_ref<ProcInode>(super, fdinfo_entry, target))};
        return Ref<Inode>{TRY(make_ref<FdLink>(super, target))};
    }

private:
    bool info_;
};
}  // namespace

Result<Ref<Inode>> make_fd_directory(SuperBlock &sb, ProcEntry const &e, ProcTarget const &t)
{
    return Ref<Inode>{TRY(make_ref<DescriptorDirectory>(sb, e, t, false))};
}

Result<Ref<Inode>> make_fdinfo_directory(SuperBlock &sb, ProcEntry const &e, ProcTarget const &t)
{
    return Ref<Inode>{TRY(make_ref<DescriptorDirectory>(sb, e, t, true))};
}
}  // namespace kernel
