// SPDX-License-Identifier: MIT
// tmpfs: directories. Callers hold the directory's mutex and have checked permissions and existence (names.cpp).
#include <cstring>
#include <kernel/fs/names.hpp>
#include <kernel/fs/tmpfs.hpp>
#include <linux/fs.h>

namespace kernel {
namespace {
constexpr std::uint64_t bytes_per_entry = 20;  // what Linux's tmpfs counts for the size of a directory

class TmpfsDirectoryFile : public File {
public:
    TmpfsDirectoryFile(Ref<TmpfsDirectory> dir, unsigned open_flags) : File{open_flags}, dir_{std::move(dir)} {}
    bool seekable() const override { return true; }
    Result<std::uint64_t> end_position() override { return Error::inval; }  // positions are cookies: none is the last
    Result<std::size_t> read(IoBuffer &, std::uint64_t &) override { return Error::isdir; }
    Result<> sync(bool) override { return {}; }
    Result<> read_directory(DirectorySink &sink) override
    {
        constexpr unsigned dt_dir = 4;
        auto const *parent = dir_->parent ? dir_->parent : dir_.get();
        if (position == 0) {
            if (!sink.add(".", dir_->attributes.ino, dt_dir, 1))
                return {};
            position = 1;
        }
        if (position == 1) {
            if (!sink.add("..", parent->attributes.ino, dt_dir, 2))
                return {};
            position = 2;
        }
        while (auto *e = dir_->entry_from(position)) {
            if (!sink.add(e->name(), e->inode->attributes.ino, e->inode->type() >> 12, e->cookie + 1))
                return {};
            position = e->cookie + 1;
        }
        return {};
    }

private:
    Ref<TmpfsDirectory> dir_;
};
}  // namespace

Result<TmpfsEntry *> TmpfsEntry::make(std::string_view name, Ref<Inode> inode)
{
    std::unique_ptr<char[]> text{new (std::nothrow) char[name.size()]};
    auto *e = text ? new (std::nothrow) TmpfsEntry : nullptr;
    if (!e)
        return Error::nomem;
    std::memcpy(text.get(), name.data(), name.size());
    e->text = std::move(text);
    e->length = static_cast<std::uint32_t>(name.size());
    e->inode = std::move(inode);
    return e;
}

// A removed directory is empty, an unmounted tree was taken apart: so this never goes deep.
TmpfsDirectory::~TmpfsDirectory()
{
    while (auto *e = take_first())
        delete e;
}

TmpfsEntry *TmpfsDirectory::find(std::string_view name)
{
    auto found = by_name_.find(name, NameLess{});
    return found == by_name_.end() ? nullptr : &*found;
}

void TmpfsDirectory::insert(TmpfsEntry &e)
{
    e.cookie = next_cookie_++;
    by_name_.insert(e);
    by_cookie_.insert(by_cookie_.end(), e);
    attributes.size += bytes_per_entry;
    if (e.inode->is_directory()) {
        static_cast<TmpfsDirectory &>(*e.inode).parent = this;
        ++attributes.nlink;
    }
    changed();
}

void TmpfsDirectory::remove(TmpfsEntry &e)
{
    if (e.name_hook.is_linked())  // adopted ones have no name
        by_name_.erase(by_name_.iterator_to(e));
    by_cookie_.erase(by_cookie_.iterator_to(e));
    attributes.size -= bytes_per_entry;
    if (e.inode->is_directory()) {
        static_cast<TmpfsDirectory &>(*e.inode).parent = nullptr;
        --attributes.nlink;
    }
    changed();
}

TmpfsEntry *TmpfsDirectory::take_first()
{
    if (by_cookie_.empty())
        return nullptr;
    auto *e = &*by_cookie_.begin();
    remove(*e);
    return e;
}

void TmpfsDirectory::adopt(TmpfsEntry &e)
{
    e.cookie = next_cookie_++;
    by_cookie_.insert(by_cookie_.end(), e);
}

void TmpfsDirectory::changed() { attributes.mtime = attributes.ctime = now(); }

TmpfsEntry const *TmpfsDirectory::entry_from(std::uint64_t cookie) const
{
    auto found = by_cookie_.lower_bound(cookie, CookieLess{});
    return found == by_cookie_.end() ? nullptr : &*found;
}

Result<Ref<Inode>> TmpfsDirectory::lookup(std::string_view name)
{
    auto *e = find(name);
    return e ? Result<Ref<Inode>>{e->inode} : Result<Ref<Inode>>{Error::noent};
}

Result<Ref<Inode>> TmpfsDirectory::add(std::string_view name, Result<Ref<Inode>> made)
{
    auto inode = TRY(std::move(made));
    insert(*TRY(TmpfsEntry::make(name, inode)));
    return inode;
}

Result<Ref<Inode>> TmpfsDirectory::create(std::string_view name, Attributes const &a)
{
    return add(name, common_.tmpfs().make_inode(a));
}

Result<Ref<Inode>> TmpfsDirectory::make_directory(std::string_view name, Attributes const &a)
{
    return add(name, common_.tmpfs().make_inode(a));
}

Result<Ref<Inode>> TmpfsDirectory::symlink(std::string_view name, std::string_view target, Attributes const &a)
{
    auto &fs = common_.tmpfs();
    std::unique_ptr<char[]> text{new (std::nothrow) char[target.size()]};
    if (!text)
        return Error::nomem;
    std::memcpy(text.get(), target.data(), target.size());
    if (!fs.charge_inode())
        return Error::nospc;
    auto *link = new (std::nothrow) TmpfsSymlink{fs, std::move(text)};
    if (!link) {
        fs.uncharge_inode();
        return Error::nomem;
    }
    Ref<Inode> made{link};
    link->attributes = a;
    link->attributes.ino = fs.next_ino();
    link->attributes.size = target.size();
    return add(name, std::move(made));
}

Result<Ref<Inode>> TmpfsDirectory::temporary(Attributes const &a)
{
    auto inode = TRY(common_.tmpfs().make_inode(a));
    inode->attributes.nlink = 0;
    return inode;
}

Result<> TmpfsDirectory::link(std::string_view name, Inode &inode)
{
    insert(*TRY(TmpfsEntry::make(name, Ref<Inode>{&inode})));
    ++inode.attributes.nlink;
    inode.attributes.ctime = attributes.ctime;
    return {};
}

Result<> TmpfsDirectory::unlink(std::string_view name, Inode &inode)
{
    auto *e = find(name);
    if (!e)
        return Error::noent;
    remove(*e);
    --inode.attributes.nlink;
    inode.attributes.ctime = attributes.ctime;
    delete e;
    return {};
}

Result<> TmpfsDirectory::remove_directory(std::string_view name, Inode &inode)
{
    if (!static_cast<TmpfsDirectory &>(inode).empty())
        return Error::notempty;
    auto *e = find(name);
    if (!e)
        return Error::noent;
    remove(*e);
    inode.attributes.nlink = 0;
    inode.attributes.ctime = attributes.ctime;
    delete e;
    return {};
}

Result<> TmpfsDirectory::rename(std::string_view name, Inode &inode, Inode &new_directory, std::string_view new_name,
                                Inode *target, unsigned flags)
{
    auto &to = static_cast<TmpfsDirectory &>(new_directory);
    if (target && (flags & RENAME_EXCHANGE) == 0 && target->is_directory()
        && !static_cast<TmpfsDirectory *>(target)->empty())
        return Error::notempty;
    auto *source = find(name);
    auto *replaced = target ? to.find(new_name) : nullptr;
    if (!source || (target && !replaced))
        return Error::noent;
    auto *moved = TRY(TmpfsEntry::make(new_name, Ref<Inode>{&inode}));
    auto *back = static_cast<TmpfsEntry *>(nullptr);
    if ((flags & RENAME_EXCHANGE) != 0) {
        auto made = TmpfsEntry::make(name, Ref<Inode>{target});
        if (!made.ok()) {
            delete moved;
            return made.error();
        }
        back = made.value();
    }
    remove(*source);
    if (replaced)
        to.remove(*replaced);
    to.insert(*moved);
    inode.attributes.ctime = to.attributes.ctime;
    if (back)
        insert(*back);
    else if (target)
        target->attributes.nlink -= target->is_directory() ? 2 : 1;
    if (target)
        target->attributes.ctime = to.attributes.ctime;
    delete source;
    delete replaced;
    return {};
}

Result<Ref<File>> TmpfsDirectory::open(unsigned flags)
{
    return make_ref<TmpfsDirectoryFile>(Ref<TmpfsDirectory>{this}, flags);
}
}  // namespace kernel
