// SPDX-License-Identifier: MIT
#include <cstring>
#include <kernel/fs/fd_table.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/walk.hpp>
#include <kernel/process/process.hpp>
#include <linux/capability.h>

namespace kernel {
Path::Path() = default;
Path::Path(Ref<Mount> mount, Ref<Dentry> dentry) : mount_{std::move(mount)}, dentry_{std::move(dentry)} {}
Path::Path(Path const &) = default;
Path::Path(Path &&) noexcept = default;
Path &Path::operator=(Path other)
{
    std::swap(mount_, other.mount_);
    std::swap(dentry_, other.dentry_);
    return *this;
}

// The dentry goes before the mount: the last mount's end needs all its dentries unused.
Path::~Path() { dentry_ = nullptr; }

bool Path::empty() const { return !dentry_; }

Ref<Inode> Path::inode() const { return dentry_ ? dentry_->inode : Ref<Inode>{}; }

namespace {
// Builds a path from its end.
struct Backwards {
    char *begin, *p;
    Result<> prepend(std::string_view s)
    {
        if (static_cast<std::size_t>(p - begin) < s.size())
            return Error::nametoolong;
        p -= s.size();
        std::memcpy(p, s.data(), s.size());
        return {};
    }
};
}  // namespace

Result<std::size_t> Path::format(Path const &root, char *out, std::size_t size) const
{
    if (empty() || size == 0)
        return Error::nametoolong;
    Backwards text{out, out + size - 1};
    if (dentry_->deleted)
        TRY(text.prepend(" (deleted)"));
    auto *const end = text.p;
    auto *d = dentry_.get();
    auto *m = mount_.get();
    while (!(d == root.dentry_.get() && m == root.mount_.get())) {
        if (d == m->root.get()) {
            if (!m->parent)
                break;
            d = m->mountpoint.get();
            m = m->parent.get();
            continue;
        }
        TRY(text.prepend(d->name()));
        TRY(text.prepend("/"));
        if (!d->parent)
            break;
        d = d->parent.get();
    }
    if (text.p == end)
        TRY(text.prepend("/"));
    auto length = static_cast<std::size_t>(out + size - 1 - text.p);
    std::memmove(out, text.p, length);
    out[length] = 0;
    return length;
}

Result<Path> resolve(int dirfd, std::string_view path, unsigned lookup)
{
    if (path.empty() && (lookup & lookup_empty) != 0) {
        if (dirfd == at_fdcwd)
            return current().fs ? current().fs->cwd : root_path();
        auto file = TRY(current().files->get(dirfd));
        if (file->path.empty())
            return Error::noent;
        return file->path;
    }
    Walk walk;
    TRY(walk.start(dirfd, path));
    auto found = TRY(walk.finish((lookup & lookup_follow) != 0, (lookup & lookup_create) != 0));
    if (found.empty())
        return Error::noent;
    if ((lookup & lookup_directory) != 0 && !(found.inode() && found.inode()->is_directory()))
        return Error::notdir;
    return found;
}

Result<Path> resolve_parent(int dirfd, std::string_view path, std::string_view &last, bool *trailing_slash)
{
    Walk walk;
    TRY(walk.start(dirfd, path));
    TRY(walk.to_last());
    if (walk.last_kind != Walk::Last::normal)
        return Error::exist;
    // No link was followed for the last component, so its text lies in `path` unless a link ended just before it.
    auto end = path.find_last_not_of('/');
    last = path.substr(0, end == path.npos ? 0 : end + 1);
    last = last.substr(last.size() - walk.last.size());
    if (trailing_slash)
        *trailing_slash = walk.trailing_slash;
    return walk.at;
}

Result<> check_access(Inode &inode, unsigned want)
{
    auto const &who = current().credentials;
    auto const &a = inode.attributes;
    unsigned granted = a.mode;
    if (a.uid == who.fsuid)
        granted >>= 6;
    else if (who.in_group(a.gid))
        granted >>= 3;
    if ((want & ~granted & 7) == 0)
        return {};
    bool const override = who.has_cap(CAP_DAC_OVERRIDE);
    bool const search = who.has_cap(CAP_DAC_READ_SEARCH);
    if (inode.is_directory())
        return override || ((want & 2) == 0 && search) ? Result<>{} : Result<>{Error::acces};
    if (override && ((want & 1) == 0 || (a.mode & 0111) != 0))
        return {};
    return want == 4 && search ? Result<>{} : Result<>{Error::acces};
}
}  // namespace kernel
