// SPDX-License-Identifier: MIT
// tmpfs: super block, options, regular files, symbolic links.
#include <cstring>
#include <kernel/fs/names.hpp>
#include <kernel/fs/tmpfs.hpp>
#include <kernel/memory/frames.hpp>
#include <lib/format.hpp>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/magic.h>

namespace kernel {
namespace {
Result<std::uint64_t> number(std::string_view s, unsigned base)
{
    std::uint64_t n = 0;
    if (s.empty())
        return Error::inval;
    for (char c : s) {
        auto digit = static_cast<unsigned>(c - '0');
        if (digit >= base || n > ~0ull / 16)
            return Error::inval;
        n = n * base + digit;
    }
    return n;
}

// "64k", "2m", "1g", or a share of memory: "50%". In bytes.
Result<std::uint64_t> amount(std::string_view s)
{
    if (s.ends_with('%')) {
        auto percent = TRY(number(s.substr(0, s.size() - 1), 10));
        return std::uint64_t{frame_counts().total} * page_size * percent / 100;
    }
    unsigned shift = 0;
    switch (s.empty() ? '\0' : s.back() | 0x20) {
    case 'k': shift = 10; break;
    case 'm': shift = 20; break;
    case 'g': shift = 30; break;
    case 't': shift = 40; break;
    default: break;
    }
    if (shift != 0)
        s.remove_suffix(1);
    return TRY(number(s, 10)) << shift;
}

Result<> parse_one(TmpfsOptions &o, std::string_view key, std::string_view value)
{
    if (key == "size")
        o.max_pages = (TRY(amount(value)) + page_size - 1) >> page_shift;
    else if (key == "nr_blocks")
        o.max_pages = TRY(amount(value));
    else if (key == "nr_inodes")
        o.max_inodes = TRY(amount(value));
    else if (key == "mode")
        o.mode = static_cast<std::uint32_t>(TRY(number(value, 8))) & 07777;
    else if (key == "uid")
        o.uid = static_cast<std::uint32_t>(TRY(number(value, 10)));
    else if (key == "gid")
        o.gid = static_cast<std::uint32_t>(TRY(number(value, 10)));
    else if (key != "huge" && key != "mpol" && key != "inode64" && key != "inode32" && key != "noswap")
        return Error::inval;
    return {};
}
}  // namespace

Result<> TmpfsOptions::parse(std::string_view text)
{
    while (!text.empty()) {
        auto one = text.substr(0, text.find(','));
        text.remove_prefix(one.size() < text.size() ? one.size() + 1 : one.size());
        auto equals = one.find('=');
        auto value = equals == one.npos ? std::string_view{} : one.substr(equals + 1);
        if (!one.empty())
            TRY(parse_one(*this, one.substr(0, equals), value));
    }
    return {};
}

Result<Ref<TmpfsSuper>> TmpfsSuper::make(char const *type, TmpfsOptions const &options)
{
    auto *raw = new (std::nothrow) TmpfsSuper{type, options};
    if (!raw)
        return Error::nomem;
    Ref<TmpfsSuper> super{raw};
    Attributes a;
    a.mode = s_ifdir | options.mode;
    a.uid = options.uid;
    a.gid = options.gid;
    a.atime = a.mtime = a.ctime = a.btime = now();
    auto root = TRY(super->make_inode(a));
    auto &directory = static_cast<TmpfsDirectory &>(*root);
    directory.parent = &directory;
    super->root_ = std::move(root);
    return super;
}

Result<Ref<Inode>> TmpfsSuper::make_inode(Attributes const &a)
{
    if (!charge_inode())
        return Error::nospc;
    Inode *inode = nullptr;
    switch (a.mode & s_ifmt) {
    case s_ifdir: inode = new (std::nothrow) TmpfsDirectory{*this}; break;
    case s_ifreg: {
        auto pages = make_ref<TmpfsPages>(*this);
        if (pages.ok())
            inode = new (std::nothrow) TmpfsFile{*this, pages.take()};
        break;
    }
    default: inode = new (std::nothrow) TmpfsSpecial{*this}; break;
    }
    if (!inode) {
        uncharge_inode();
        return Error::nomem;
    }
    Ref<Inode> made{inode};
    inode->attributes = a;
    inode->attributes.ino = next_ino();
    inode->attributes.nlink = (a.mode & s_ifmt) == s_ifdir ? 2 : 1;
    inode->attributes.size = (a.mode & s_ifmt) == s_ifdir ? 40 : 0;
    if ((a.mode & s_ifmt) == s_ifreg)
        static_cast<TmpfsPages &>(static_cast<TmpfsFile *>(inode)->pages()).ino = inode->attributes.ino;
    return made;
}

bool TmpfsSuper::charge_page()
{
    if (options_.max_pages != 0 && used_pages_ >= options_.max_pages)
        return false;
    ++used_pages_;
    return true;
}

bool TmpfsSuper::charge_inode()
{
    if (options_.max_inodes != 0 && used_inodes_ >= options_.max_inodes)
        return false;
    ++used_inodes_;
    return true;
}

SuperBlock::Statistics TmpfsSuper::statistics()
{
    Statistics s{TMPFS_MAGIC, page_size, options_.max_pages, 0, 0, options_.max_inodes, 0, 255};
    if (s.blocks != 0)
        s.free = s.available = s.blocks > used_pages_ ? s.blocks - used_pages_ : 0;
    if (s.files != 0)
        s.free_files = s.files > used_inodes_ ? s.files - used_inodes_ : 0;
    return s;
}

Result<> TmpfsSuper::remount(unsigned, std::string_view text)
{
    auto changed = options_;
    TRY(changed.parse(text));
    if ((changed.max_pages != 0 && changed.max_pages < used_pages_)
        || (changed.max_inodes != 0 && changed.max_inodes < used_inodes_))
        return Error::inval;
    options_.max_pages = changed.max_pages;
    options_.max_inodes = changed.max_inodes;
    return {};
}

void TmpfsSuper::options(char *out, std::size_t size)
{
    std::size_t n = 0;
    auto add = [&](char const *form, std::uint64_t value) {
        if (n < size)
            n += static_cast<std::size_t>(format(out + n, size - n, form, static_cast<unsigned long long>(value)));
    };
    if (size != 0)
        out[0] = 0;
    if (options_.max_pages != 0)
        add(",size=%lluk", options_.max_pages * (page_size / 1024));
    if (options_.max_inodes != 0)
        add(",nr_inodes=%llu", options_.max_inodes);
    if (options_.mode != 01777)
        add(",mode=%llo", options_.mode);
    if (options_.uid != 0)
        add(",uid=%llu", options_.uid);
    if (options_.gid != 0)
        add(",gid=%llu", options_.gid);
}

// Takes the tree apart from the top: the contents of each directory move up to the root before it goes.
void TmpfsSuper::unmounted()
{
    auto root = std::exchange(root_, nullptr);
    if (!root)
        return;
    auto &top = static_cast<TmpfsDirectory &>(*root);
    while (auto *entry = top.take_first()) {
        if (entry->inode->is_directory()) {
            auto &inner = static_cast<TmpfsDirectory &>(*entry->inode);
            while (auto *child = inner.take_first())
                top.adopt(*child);
        }
        delete entry;
    }
}

void TmpfsFile::set_size(std::uint64_t size)
{
    bool const grows = size > attributes.size;
    attributes.size = pages_->bytes = size;
    if (!grows)
        pages_->truncate(size);  // also what allocate() put behind the same size
}

Result<> TmpfsFile::before_write()
{
    return (pages_->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0 ? Result<>{Error::perm} : Result<>{};
}

Result<> TmpfsFile::set_attributes(Attributes const &a, unsigned which)
{
    if ((which & kernel::set_size) != 0) {
        unsigned const seal = a.size < attributes.size ? F_SEAL_SHRINK : a.size > attributes.size ? F_SEAL_GROW : 0u;
        if ((pages_->seals & seal) != 0)
            return Error::perm;
    }
    return RegularInode::set_attributes(a, which);
}

bool TmpfsPages::writable_shared() const { return (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) == 0; }

Result<> TmpfsFile::refresh()
{
    attributes.blocks = std::uint64_t{pages_->resident()} * (page_size / 512);
    return {};
}

std::uint64_t TmpfsFile::next_boundary(std::uint64_t from, bool hole)
{
    auto index = static_cast<std::uint32_t>(from >> page_shift);
    if (hole) {
        for (auto data = index; pages_->next_data(data) && data == index; data = index)
            ++index;
    } else if (!pages_->next_data(index)) {
        return attributes.size;
    }
    auto boundary = std::uint64_t{index} << page_shift;
    return boundary < from ? from : boundary;
}

Result<> TmpfsFile::allocate(unsigned mode, std::uint64_t start, std::uint64_t bytes)
{
    auto const old_size = attributes.size;
    auto end = start + bytes;
    if ((mode & FALLOC_FL_PUNCH_HOLE) != 0)
        TRY(before_write());
    if ((mode & FALLOC_FL_KEEP_SIZE) == 0 && end > old_size && (pages_->seals & F_SEAL_GROW) != 0)
        return Error::perm;
    if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0)
        pages_->punch(start, end);
    if ((mode & FALLOC_FL_PUNCH_HOLE) != 0)
        return {};
    if ((mode & FALLOC_FL_KEEP_SIZE) == 0 && end > old_size)
        set_size(end);
    for (auto index = start >> page_shift; index << page_shift < end; ++index) {
        auto allocated = pages_->allocate(static_cast<std::uint32_t>(index));
        if (!allocated.ok()) {
            set_size(old_size);
            return allocated;
        }
    }
    return {};
}

Result<std::size_t> TmpfsSymlink::read_link(char *out, std::size_t size)
{
    auto n = attributes.size < size ? static_cast<std::size_t>(attributes.size) : size;
    std::memcpy(out, text_.get(), n);
    return n;
}

static Result<Ref<SuperBlock>> mount_tmpfs(std::string_view, unsigned, std::string_view text)
{
    TmpfsOptions o;
    o.max_pages = frame_counts().total / 2;
    o.max_inodes = frame_counts().total / 2;
    TRY(o.parse(text));
    return Ref<SuperBlock>{TRY(TmpfsSuper::make("tmpfs", o))};
}
REGISTER_FILE_SYSTEM(tmpfs_type, "tmpfs", false, mount_tmpfs);
static Result<Ref<SuperBlock>> mount_ramfs(std::string_view, unsigned, std::string_view text)
{
    TmpfsOptions o;
    o.mode = 0755;
    (void)o.parse(text);  // ramfs ignores what it does not know
    return Ref<SuperBlock>{TRY(TmpfsSuper::make("ramfs", o))};
}
REGISTER_FILE_SYSTEM(ramfs_type, "ramfs", false, mount_ramfs);
}  // namespace kernel
