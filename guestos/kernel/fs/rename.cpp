// SPDX-License-Identifier: MIT
// rename(2) and renameat2(2).
//
// One rename at a time may move directories about (`rename_mutex`): so "is the new place below the moved directory?" stays true
// until the move is done. Then the two parents are locked, the outer one first, as in rmdir(2).
#include <kernel/fs/inotify.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/lazy.hpp>
#include <linux/fs.h>

namespace kernel {
namespace {
constinit Lazy<Mutex> rename_mutex;

class TwoGuards {
public:
    TwoGuards(Dentry &a, Dentry &b) : first_{&a.inode->mutex}, second_{&b.inode->mutex}
    {
        if (&a == &b)
            second_ = nullptr;
        else if (a.is_below(b) || (!b.is_below(a) && &a > &b))
            std::swap(first_, second_);
        first_->lock();
        if (second_)
            second_->lock();
    }
    ~TwoGuards()
    {
        if (second_)
            second_->unlock();
        first_->unlock();
    }
    TwoGuards(TwoGuards const &) = delete;
    TwoGuards &operator=(TwoGuards const &) = delete;

private:
    Mutex *first_, *second_;
};

struct Rename {
    Walk &from, &to;
    unsigned flags;
    Ref<Dentry> source, target;  // target: negative if nothing is there

    bool exchange() const { return (flags & RENAME_EXCHANGE) != 0; }
    Result<> look_up();
    Result<> check_shape() const;
    Result<> check_permissions() const;
    Result<> perform();
    void tell(Ref<Inode> const &moved, Ref<Inode> const &replaced) const;
};

Result<> Rename::look_up()
{
    source = TRY(Dentry::lookup_locked(*from.at.dentry(), from.last));
    if (!source->inode)
        return Error::noent;
    target = TRY(Dentry::lookup_locked(*to.at.dentry(), to.last));
    if ((flags & RENAME_NOREPLACE) != 0 && target->inode)
        return Error::exist;
    if (exchange() && !target->inode)
        return Error::noent;
    return {};
}

// What the two names are and where they lie relative to each other.
Result<> Rename::check_shape() const
{
    if (!source->inode->is_directory()) {
        if (from.trailing_slash || (!exchange() && to.trailing_slash))
            return Error::notdir;
    }
    if (exchange() && !target->inode->is_directory() && to.trailing_slash)
        return Error::notdir;
    if (to.at.dentry()->is_below(*source))
        return Error::inval;
    if (target->inode && from.at.dentry()->is_below(*target))
        return exchange() ? Error::inval : Error::notempty;
    return {};
}

Result<> Rename::check_permissions() const
{
    TRY(may_delete(from.at, *source));
    if (target->inode) {
        TRY(may_delete(to.at, *target));
        if (!exchange() && source->inode->is_directory() != target->inode->is_directory())
            return target->inode->is_directory() ? Error::isdir : Error::notdir;
    } else {
        TRY(may_create(to.at));
    }
    // A directory that gets another parent has its ".." written.
    if (from.at.dentry() != to.at.dentry()) {
        if (source->inode->is_directory())
            TRY(check_access(*source->inode, 2));
        if (exchange() && target->inode->is_directory())
            TRY(check_access(*target->inode, 2));
    }
    if (source->mounts != 0 || target->mounts != 0)
        return Error::busy;
    return {};
}

Result<> Rename::perform()
{
    if (target->inode == source->inode)
        return {};  // two links of one file: nothing happens (rename(2))
    TRY(check_permissions());
    auto moved = source->inode;
    auto replaced = target->inode;
    TRY(from.at.inode()->rename(from.last, *moved, *to.at.inode(), to.last, replaced.get(), flags));
    if (exchange())
        Dentry::exchanged(*source, *target);
    else
        source->moved(*target);
    tell(moved, replaced);
    return {};
}

void Rename::tell(Ref<Inode> const &moved, Ref<Inode> const &replaced) const
{
    auto cookie = next_notify_cookie();
    notify_name(*from.at.inode(), IN_MOVED_FROM, from.last, *moved, cookie);
    notify_name(*to.at.inode(), IN_MOVED_TO, to.last, *moved, cookie);
    notify(*moved, IN_MOVE_SELF);
    if (replaced && !exchange()) {
        if (replaced->attributes.nlink == 0 || replaced->is_directory())
            notify_deleted(*replaced);
        else
            notify(*replaced, IN_ATTRIB);
    }
}
}  // namespace

Result<> rename(int old_dirfd, std::string_view old_path, int new_dirfd, std::string_view new_path, unsigned flags)
{
    if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0 || (flags & 3) == 3)
        return Error::inval;
    Walk from, to;
    TRY(from.start(old_dirfd, old_path));
    TRY(from.to_last());
    TRY(to.start(new_dirfd, new_path));
    TRY(to.to_last());
    if (from.at.mount() != to.at.mount())
        return Error::xdev;
    if (from.last_kind != Walk::Last::normal)
        return Error::busy;
    if (to.last_kind != Walk::Last::normal)
        return (flags & RENAME_NOREPLACE) != 0 ? Error::exist : Error::busy;
    MutexGuard moving{*rename_mutex};
    TwoGuards guards{*from.at.dentry(), *to.at.dentry()};
    Rename r{from, to, flags, nullptr, nullptr};
    TRY(r.look_up());
    TRY(r.check_shape());
    return r.perform();
}
}  // namespace kernel
