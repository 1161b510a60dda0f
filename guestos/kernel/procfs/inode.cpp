// SPDX-License-Identifier: MIT
// Files and links of procfs. A file's text is made at a read from its start, so that a program may rewind and read anew.
#include <cstring>
#include <kernel/fs/names.hpp>
#include <kernel/procfs/procfs.hpp>

namespace kernel {
Result<Ref<Process>> ProcTarget::process() const
{
    auto p = find_process(pid);
    if (!p)
        return Error::srch;
    return p;
}

Result<Ref<Thread>> ProcTarget::thread() const
{
    if (tid) {
        auto t = find_thread(tid);
        if (!t || !t->process || t->process->pid != pid)
            return Error::srch;
        return t;
    }
    auto p = TRY(process());
    if (!p->leader)
        return Error::srch;
    return Ref<Thread>{p->leader};
}

bool may_inspect(Process &p)
{
    constexpr unsigned cap_sys_ptrace = 19;
    if (&p == current().process.get())
        return true;
    auto const &me = current().credentials;
    if (me.has_cap(cap_sys_ptrace))
        return true;
    if (!p.leader || !p.dumpable)
        return false;
    auto const &c = p.leader->credentials;
    return me.fsuid == c.uid && me.fsuid == c.euid && me.fsuid == c.suid && me.fsgid == c.gid && me.fsgid == c.egid
        && me.fsgid == c.sgid;
}

// Stable for one name of one target; 32 bits, because readdir(3) without large-file support refuses more.
std::uint32_t proc_ino(void const *entry, ProcTarget const &t)
{
    std::uint32_t h = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(entry));
    for (auto n : {t.pid, t.tid, t.fd})
        h = (h ^ static_cast<std::uint32_t>(n)) * 0x9e37'79b1u + (h >> 15);
    return h | 0x8000'0000u;
}

ProcInode::ProcInode(SuperBlock &sb, ProcEntry const &entry, ProcTarget const &target)
    : Inode{sb}, entry_{entry}, target_{target}
{
    attributes.mode = entry.mode;
    attributes.ino = proc_ino(&entry, target);
    attributes.nlink = is_directory() ? 2 : 1;
    attributes.block_size = 1024;
    attributes.atime = attributes.mtime = attributes.ctime = now();
    (void)refresh();
}

Result<> ProcInode::refresh()
{
    if (!target_.pid)
        return {};
    auto t = target_.thread();
    if (!t.ok())
        return Error::noent;
    auto const &c = t.value()->credentials;
    bool open_to_owner = t.value()->process->dumpable || (attributes.mode & 0777) == 0555;
    attributes.uid = open_to_owner ? c.euid : 0;
    attributes.gid = open_to_owner ? c.egid : 0;
    return {};
}

namespace {
class ProcTextFile final : public File {
public:
    ProcTextFile(Ref<ProcInode> inode, unsigned open_flags) : File{open_flags}, inode_{std::move(inode)} {}
    bool seekable() const override { return true; }
    Result<std::size_t> read(IoBuffer &, std::uint64_t &) override;
    Result<std::size_t> write(IoBuffer &, std::uint64_t &) override;
    Result<> truncate(std::uint64_t) override { return {}; }

private:
    Ref<ProcInode> inode_;
    Text text_;
    bool made_ = false;
};

Result<std::size_t> ProcTextFile::read(IoBuffer &to, std::uint64_t &at)
{
    auto show = inode_->entry().show;
    if (!show)
        return Error::inval;
    if (at == 0 || !made_) {
        text_ = Text{};
        TRY(show(text_, inode_->target()));
        if (!text_.ok())
            return Error::nomem;
        made_ = true;
    }
    auto text = text_.view();
    if (at >= text.size())
        return std::size_t{0};
    auto offset = static_cast<std::size_t>(at);
    auto n = TRY(to.put(text.data() + offset, text.size() - offset < to.left() ? text.size() - offset : to.left()));
    at += n;
    return n;
}

Result<std::size_t> ProcTextFile::write(IoBuffer &from, std::uint64_t &at)
{
    auto store = inode_->entry().store;
    if (!store)
        return Error::inval;
    char value[256];
    auto n = TRY(from.get(value, sizeof value));
    std::string_view text{value, n};
    while (!text.empty() && (text.back() == '\n' || text.back() == '\0'))
        text.remove_suffix(1);
    TRY(store(text, inode_->target()));
    at += n;
    return n;
}
}  // namespace

Result<Ref<File>> ProcInode::open(unsigned flags)
{
    if (type() == s_iflnk)
        return Error::loop;
    if ((flags & 3) != 1 && !entry_.show && !entry_.store)
        return Error::nxio;
    if (target_.pid && !(attributes.mode & 0004)) {
        auto p = TRY(target_.process());
        if (!may_inspect(*p))
            return Error::acces;
    }
    return Ref<File>{TRY(make_ref<ProcTextFile>(Ref<ProcInode>{this}, flags))};
}

Result<std::size_t> ProcInode::read_link(char *out, std::size_t size)
{
    if (!entry_.link)
        return Error::inval;
    Text text;
    TRY(entry_.link(text, target_));
    if (!text.ok())
        return Error::nomem;
    auto view = text.view();
    auto n = view.size() < size ? view.size() : size;
    std::memcpy(out, view.data(), n);
    return n;
}

Result<Path> ProcInode::follow_magic()
{
    if (!entry_.follow)
        return Error::inval;
    return entry_.follow(target_);
}
}  // namespace kernel
