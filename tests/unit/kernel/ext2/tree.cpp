// SPDX-License-Identifier: MIT
#include "tree.hpp"
#include <fcntl.h>
#include <kernel/fs/names.hpp>
#include <linux/falloc.h>
#include <linux/fs.h>

using namespace kernel;
namespace world {
namespace {
int number(Result<> const &r) { return r.ok() ? 0 : -static_cast<int>(r.error()); }
template <class T>
int failure(Result<T> const &r)
{
    return -static_cast<int>(r.error());
}
Attributes attributes(unsigned mode)
{
    Attributes a;
    a.mode = mode;
    a.atime = a.mtime = a.ctime = a.btime = now();
    return a;
}
}  // namespace

Result<Ref<Inode>> Tree::find(std::string const &path)
{
    auto at = fs_.root();
    for (std::size_t i = 0; i < path.size();) {
        if (path[i] == '/') {
            ++i;
            continue;
        }
        auto name = path.substr(i, path.find('/', i) - i);
        i += name.size();
        if (!at->is_directory())
            return at->type() == s_iflnk ? Error::noent : Error::notdir;  // the tests' links lead nowhere
        at = TRY(at->lookup(name));
    }
    return at;
}

Result<Ref<Inode>> Tree::parent(std::string const &path, std::string &last)
{
    auto slash = path.rfind('/');
    last = path.substr(slash + 1);
    auto dir = TRY(find(path.substr(0, slash)));
    if (dir->type() == s_iflnk)
        return Error::noent;
    return dir->is_directory() ? Result<Ref<Inode>>{dir} : Result<Ref<Inode>>{Error::notdir};
}

int Tree::create(std::string const &path, unsigned mode)
{
    std::string name;
    auto dir = parent(path, name);
    if (!dir.ok())
        return failure(dir);
    if (dir.value()->lookup(name).ok())
        return -EEXIST;
    auto made = dir.value()->create(name, attributes(s_ifreg | mode));
    return made.ok() ? 0 : failure(made);
}

int Tree::mkdir(std::string const &path)
{
    std::string name;
    auto dir = parent(path, name);
    if (!dir.ok())
        return failure(dir);
    if (dir.value()->lookup(name).ok())
        return -EEXIST;
    auto made = dir.value()->make_directory(name, attributes(s_ifdir | 0755));
    return made.ok() ? 0 : failure(made);
}

int Tree::unlink(std::string const &path)
{
    std::string name;
    auto dir = parent(path, name);
    if (!dir.ok())
        return failure(dir);
    auto victim = dir.value()->lookup(name);
    if (!victim.ok())
        return failure(victim);
    if (victim.value()->is_directory())
        return -EISDIR;
    return number(dir.value()->unlink(name, *victim.value()));
}

int Tree::rmdir(std::string const &path)
{
    std::string name;
    auto dir = parent(path, name);
    if (!dir.ok())
        return failure(dir);
    auto victim = dir.value()->lookup(name);
    if (!victim.ok())
        return failure(victim);
    if (!victim.value()->is_directory())
        return -ENOTDIR;
    return number(dir.value()->remove_directory(name, *victim.value()));
}

int Tree::link(std::string const &from, std::string const &to)
{
    std::string name;
    auto inode = find(from);
    if (!inode.ok())
        return failure(inode);
    auto dir = parent(to, name);
    if (!dir.ok())
        return failure(dir);
    if (dir.value()->lookup(name).ok())
        return -EEXIST;
    if (inode.value()->is_directory())
        return -EPERM;
    return number(dir.value()->link(name, *inode.value()));
}

int Tree::symlink(std::string const &target, std::string const &path)
{
    std::string name;
    auto dir = parent(path, name);
    if (!dir.ok())
        return failure(dir);
    if (dir.value()->lookup(name).ok())
        return -EEXIST;
    auto made = dir.value()->symlink(name, target, attributes(s_iflnk | 0777));
    return made.ok() ? 0 : failure(made);
}

int Tree::readlink(std::string const &path, std::string &target)
{
    auto inode = find(path);
    if (!inode.ok())
        return failure(inode);
    target.assign(4096, 0);
    auto n = inode.value()->read_link(target.data(), target.size());
    target.resize(n.value_or(0));
    return n.ok() ? static_cast<int>(n.value()) : failure(n);
}

// As rename.cpp checks it before it asks the file system.
int Tree::rename(std::string const &from, std::string const &to, bool exchange)
{
    std::string old_name, new_name;
    auto old_dir = parent(from, old_name), new_dir = parent(to, new_name);
    if (!old_dir.ok())
        return failure(old_dir);
    if (!new_dir.ok())
        return failure(new_dir);
    auto source = old_dir.value()->lookup(old_name);
    if (!source.ok())
        return failure(source);
    auto target = new_dir.value()->lookup(new_name);
    if (exchange && !target.ok())
        return -ENOENT;
    if ((to + "/").starts_with(from + "/") && to != from)
        return -EINVAL;
    if (target.ok() && (from + "/").starts_with(to + "/") && to != from)
        return exchange ? -EINVAL : -ENOTEMPTY;
    if (target.ok() && target.value() == source.value())
        return 0;
    if (target.ok() && !exchange && target.value()->is_directory() != source.value()->is_directory())
        return target.value()->is_directory() ? -EISDIR : -ENOTDIR;
    return number(old_dir.value()->rename(old_name, *source.value(), *new_dir.value(), new_name,
                                          target.ok() ? target.value().get() : nullptr, exchange ? RENAME_EXCHANGE : 0));
}

Result<Ref<File>> Tree::open(std::string const &path, unsigned flags)
{
    auto inode = TRY(find(path));
    if (inode->type() != s_ifreg)
        return inode->is_directory() ? Error::isdir : Error::loop;
    return inode->open(flags | O_LARGEFILE | 0100000);
}

int Tree::write(std::string const &path, std::uint64_t at, std::string const &bytes, unsigned flags)
{
    auto file = open(path, O_RDWR | flags);
    if (!file.ok())
        return failure(file);
    auto buffer = IoBuffer::kernel(const_cast<char *>(bytes.data()), bytes.size());
    auto n = file.value()->write(buffer, at);
    return n.ok() ? static_cast<int>(n.value()) : failure(n);
}

int Tree::read(std::string const &path, std::uint64_t at, std::size_t n, std::string &bytes, unsigned flags)
{
    auto file = open(path, flags);
    if (!file.ok())
        return failure(file);
    bytes.assign(n, 0);
    auto buffer = IoBuffer::kernel(bytes.data(), n);
    auto got = file.value()->read(buffer, at);
    bytes.resize(got.value_or(0));
    return got.ok() ? static_cast<int>(got.value()) : failure(got);
}

int Tree::truncate(std::string const &path, std::uint64_t size)
{
    auto file = open(path, O_RDWR);
    return file.ok() ? number(file.value()->truncate(size)) : failure(file);
}

int Tree::punch(std::string const &path, std::uint64_t at, std::uint64_t n)
{
    auto file = open(path, O_RDWR);
    return file.ok() ? number(file.value()->allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n)) : failure(file);
}

int Tree::fsync(std::string const &path)
{
    auto file = open(path, O_RDWR);
    return file.ok() ? number(file.value()->sync(false)) : failure(file);
}

int Tree::list(std::string const &path, std::set<std::string> &names)
{
    auto dir = find(path);
    if (!dir.ok())
        return failure(dir);
    if (!dir.value()->is_directory())
        return -ENOTDIR;
    struct Sink final : DirectorySink {
        std::set<std::string> &names;
        explicit Sink(std::set<std::string> &n) : names{n} {}
        bool add(std::string_view name, std::uint64_t, unsigned, std::uint64_t) override
        {
            return names.emplace(name).second;
        }
    } sink{names};
    auto file = dir.value()->open(0);
    return file.ok() ? number(file.value()->read_directory(sink)) : failure(file);
}
}  // namespace world
