// SPDX-License-Identifier: MIT
#include <cstring>
#include <kernel/fs/fd_table.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/walk.hpp>
#include <kernel/process/process.hpp>
#include <linux/fcntl.h>

namespace kernel {
namespace {
bool only_slashes(std::string_view s) { return s.find_first_not_of('/') == s.npos; }
void skip_slashes(std::string_view &s)
{
    s.remove_prefix(s.find_first_not_of('/') == s.npos ? s.size() : s.find_first_not_of('/'));
}
}  // namespace

// A chain of links is freed from the outside in, without recursion.
Walk::~Walk()
{
    while (pending_)
        pending_ = std::move(pending_->outer);
}

Result<> Walk::start(int dirfd, std::string_view path)
{
    auto &fs = current().fs;
    Path from = fs ? fs->cwd : root_path();
    if (dirfd != at_fdcwd && !path.starts_with('/')) {
        auto file = TRY(current().files->get(dirfd));
        if (file->path.empty())
            return Error::notdir;
        from = file->path;
    } else if (dirfd != at_fdcwd && (resolve & RESOLVE_IN_ROOT) != 0) {
        from = TRY(current().files->get(dirfd))->path;
        if (from.empty())
            return Error::notdir;
    }
    return start_at(fs ? fs->root : root_path(), std::move(from), path);
}

Result<> Walk::start_at(Path the_root, Path from, std::string_view path)
{
    if (path.empty())
        return Error::noent;
    if (path.size() >= path_max)
        return Error::nametoolong;
    root = std::move(the_root);
    if ((resolve & RESOLVE_IN_ROOT) != 0)
        root = from;
    if (path.starts_with('/')) {
        if ((resolve & RESOLVE_BENEATH) != 0)
            return Error::xdev;
        at = root;
    } else {
        at = std::move(from);
    }
    beneath_ = at;
    rest_ = path;
    return {};
}

// The next component of the innermost text that still has one. is_last: nothing but slashes follows in any of them.
bool Walk::next_component(std::string_view &name, bool &is_last)
{
    skip_slashes(rest_);
    while (rest_.empty() && pending_) {
        rest_ = pending_->outer_rest;
        pending_ = std::move(pending_->outer);
        skip_slashes(rest_);
    }
    if (rest_.empty())
        return false;
    name = rest_.substr(0, rest_.find('/'));
    rest_.remove_prefix(name.size());
    is_last = only_slashes(rest_);
    bool slash = !rest_.empty();
    for (auto *p = pending_.get(); p && is_last; p = p->outer.get()) {
        is_last = only_slashes(p->outer_rest);
        slash |= !p->outer_rest.empty();
    }
    trailing_slash |= is_last && slash;
    return true;
}

Result<> Walk::to_last()
{
    std::string_view name;
    bool is_last = false;
    while (next_component(name, is_last)) {
        auto dir = at.inode();
        if (!dir || !dir->is_directory())
            return Error::notdir;
        TRY(check_access(*dir, 1));
        if (name.size() > name_max)
            return Error::nametoolong;
        if (!is_last) {
            TRY(step(name));
            continue;
        }
        last = name;
        last_kind = name == "." ? Last::dot : name == ".." ? Last::dotdot : Last::normal;
        return {};
    }
    last = {};
    last_kind = Last::root;
    return {};
}

Result<> Walk::step(std::string_view name)
{
    if (name == ".")
        return {};
    if (name == "..")
        return step_up();
    last = name;
    last_kind = Last::normal;
    auto next = TRY(child());
    auto inode = next.inode();
    if (!inode)
        return Error::noent;
    if (inode->type() != s_iflnk) {
        at = std::move(next);
        return {};
    }
    bool jumped = false;
    TRY(follow(next, jumped));
    return nameless ? Result<>{Error::notdir} : Result<>{};
}

// "..": not above the root; from the root of a mount to the directory that holds its mount point.
Result<> Walk::step_up()
{
    bool const confined = (resolve & RESOLVE_BENEATH) != 0;
    if (confined && at.dentry() == beneath_.dentry() && at.mount() == beneath_.mount())
        return Error::xdev;
    while (!(at.dentry() == root.dentry() && at.mount() == root.mount())) {
        if (at.dentry() != at.mount()->root) {
            if (at.dentry()->parent)
                at = topmost(Path{at.mount(), at.dentry()->parent});
            return {};
        }
        if (!at.mount()->parent)
            return {};
        if ((resolve & RESOLVE_NO_XDEV) != 0)
            return Error::xdev;
        at = Path{at.mount()->parent, at.mount()->mountpoint};
    }
    return {};
}

Result<Path> Walk::child()
{
    if (last_kind == Last::dotdot)
        TRY(step_up());
    if (last_kind != Last::normal)
        return at;
    auto dentry = TRY(Dentry::lookup(*at.dentry(), last));
    bool const crossing = dentry->mounts != 0;
    auto next = topmost(Path{at.mount(), std::move(dentry)});
    if (crossing && next.mount() != at.mount() && (resolve & RESOLVE_NO_XDEV) != 0)
        return Error::xdev;
    return next;
}

Result<> Walk::queue_text(Inode &link)
{
    std::unique_ptr<char[]> text{new (std::nothrow) char[path_max]};
    std::unique_ptr<Pending> pending{new (std::nothrow) Pending};
    if (!text || !pending)
        return Error::nomem;
    auto length = TRY(link.read_link(text.get(), path_max));
    if (length == 0)
        return Error::noent;
    if (length >= path_max)
        return Error::nametoolong;
    pending->outer = std::move(pending_);
    pending->outer_rest = rest_;
    rest_ = {text.get(), length};
    pending->text = std::move(text);
    pending_ = std::move(pending);
    return {};
}

Result<> Walk::follow(Path const &link, bool &jumped)
{
    jumped = false;
    if ((resolve & RESOLVE_NO_SYMLINKS) != 0 || ++links_ > links_max)
        return Error::loop;
    auto inode = link.inode();
    if (auto magic = inode->follow_magic(); magic.ok()) {
        if ((resolve & (RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0)
            return (resolve & RESOLVE_NO_MAGICLINKS) != 0 ? Error::loop : Error::xdev;
        at = magic.take();
        if (at.empty())
            nameless = inode;
        jumped = true;
        return {};
    } else if (magic.error() != Error::inval) {
        return magic.error();
    }
    TRY(queue_text(*inode));
    if (rest_.starts_with('/')) {
        if ((resolve & RESOLVE_BENEATH) != 0)
            return Error::xdev;
        if ((resolve & RESOLVE_NO_XDEV) != 0 && root.mount() != at.mount())
            return Error::xdev;
        at = root;
    }
    return {};
}

Result<Path> Walk::finish(bool follow_last, bool allow_missing)
{
    for (;;) {
        TRY(to_last());
        auto found = TRY(child());
        auto inode = found.inode();
        if (!inode)
            return allow_missing ? Result<Path>{found} : Result<Path>{Error::noent};
        if (inode->type() == s_iflnk && (follow_last || trailing_slash)) {
            bool jumped = false;
            TRY(follow(found, jumped));
            if (!jumped)
                continue;
            found = at;
            inode = found.inode();
        }
        if (trailing_slash && (!inode || !inode->is_directory()))
            return Error::notdir;
        return found;
    }
}
}  // namespace kernel
