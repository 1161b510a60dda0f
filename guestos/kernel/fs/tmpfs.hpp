// SPDX-License-Identifier: MIT
// tmpfs(5): a file system that lives in memory. Also the body of rootfs, devtmpfs and memfd_create(2).
//
//   TmpfsSuper --root--> TmpfsDirectory --entries--> TmpfsEntry{name, cookie} --> inode
//        ^                                                                         |
//        '------------------------- every inode and page cache keeps it -----------'   (size= and nr_inodes= are counted there)
#pragma once
#include <boost/intrusive/set.hpp>
#include <kernel/fs/regular_file.hpp>
#include <memory>

namespace kernel {
struct TmpfsOptions {
    std::uint64_t max_pages = 0, max_inodes = 0;  // 0: no limit
    std::uint32_t mode = 01777, uid = 0, gid = 0;
    // "size=64k,nr_inodes=100,mode=755,uid=1,gid=1": Error::inval for what it does not know.
    Result<> parse(std::string_view);
};

class TmpfsSuper : public SuperBlock {
public:
    static Result<Ref<TmpfsSuper>> make(char const *type, TmpfsOptions const &);
    Ref<Inode> root() override { return root_; }
    char const *type_name() const override { return type_; }
    Statistics statistics() override;
    Result<> remount(unsigned flags, std::string_view options) override;
    void options(char *out, std::size_t size) override;
    void unmounted() override;

    bool charge_page();  // false: full
    void uncharge_pages(std::uint32_t n) { used_pages_ -= n; }
    bool charge_inode();
    void uncharge_inode() { --used_inodes_; }
    std::uint64_t next_ino() { return ++last_ino_; }
    // An inode of any kind without a name.
    Result<Ref<Inode>> make_inode(Attributes const &);

private:
    explicit TmpfsSuper(char const *type, TmpfsOptions const &o) : type_{type}, options_{o} {}
    char const *type_;
    TmpfsOptions options_;
    Ref<Inode> root_;
    std::uint64_t used_pages_ = 0, used_inodes_ = 0, last_ino_ = 0;
};

// What all kinds have in common: the place in the super block's counts.
class TmpfsCommon {
public:
    explicit TmpfsCommon(TmpfsSuper &super) : keep_{&super} {}
    ~TmpfsCommon() { keep_->uncharge_inode(); }  // make_inode() charged it
    TmpfsCommon(TmpfsCommon const &) = delete;
    TmpfsCommon &operator=(TmpfsCommon const &) = delete;
    TmpfsSuper &tmpfs() const { return *keep_; }

private:
    Ref<TmpfsSuper> keep_;
};

class TmpfsPages : public PageCache {
public:
    explicit TmpfsPages(TmpfsSuper &super) : super_{&super} {}
    ~TmpfsPages() override { super_->uncharge_pages(resident()); }
    std::uint64_t size() const override { return bytes; }
    std::uint64_t identity_device() const override { return super_->device; }
    std::uint64_t identity_inode() const override { return ino; }
    bool writable_shared() const override;
    std::uint64_t bytes = 0, ino = 0;
    unsigned seals = 0;  // memfd_create(2): F_SEAL_*

protected:
    Result<> charge() override { return super_->charge_page() ? Result<>{} : Result<>{Error::nospc}; }
    void uncharge() override { super_->uncharge_pages(1); }

private:
    Ref<TmpfsSuper> super_;
};

class TmpfsFile : public RegularInode {
public:
    TmpfsFile(TmpfsSuper &fs, Ref<TmpfsPages> pages) : RegularInode{fs}, common_{fs}, pages_{std::move(pages)} {}
    PageCache &pages() override { return *pages_; }
    void set_size(std::uint64_t) override;
    std::uint64_t size_limit() const override { return 0xfff'ffff'f000; }  // 32-bit page indices
    std::uint64_t next_boundary(std::uint64_t from, bool hole) override;
    Result<> allocate(unsigned mode, std::uint64_t start, std::uint64_t bytes) override;
    Result<> refresh() override;
    Result<> before_write() override;
    Result<> set_attributes(Attributes const &, unsigned which) override;
    TmpfsPages &tmpfs_pages() { return *pages_; }

private:
    TmpfsCommon common_;
    Ref<TmpfsPages> pages_;
};

// Devices, fifos and sockets: open.cpp never asks them to open.
class TmpfsSpecial : public Inode {
public:
    explicit TmpfsSpecial(TmpfsSuper &fs) : Inode{fs}, common_{fs} {}
    Result<Ref<File>> open(unsigned) override { return Error::nxio; }

private:
    TmpfsCommon common_;
};

class TmpfsSymlink : public Inode {
public:
    TmpfsSymlink(TmpfsSuper &fs, std::unique_ptr<char[]> text) : Inode{fs}, common_{fs}, text_{std::move(text)} {}
    Result<std::size_t> read_link(char *, std::size_t) override;
    Result<Ref<File>> open(unsigned) override { return Error::loop; }

private:
    TmpfsCommon common_;
    std::unique_ptr<char[]> text_;
};

struct TmpfsEntry {
    std::unique_ptr<char[]> text;
    std::uint32_t length = 0;
    std::uint64_t cookie = 0;  // directory position: where readdir goes on; never reused
    Ref<Inode> inode;
    boost::intrusive::set_member_hook<> name_hook, cookie_hook;
    std::string_view name() const { return {text.get(), length}; }
    static Result<TmpfsEntry *> make(std::string_view name, Ref<Inode>);
};

class TmpfsDirectory : public Inode {
public:
    explicit TmpfsDirectory(TmpfsSuper &fs) : Inode{fs}, common_{fs} {}
    ~TmpfsDirectory() override;
    Result<Ref<Inode>> lookup(std::string_view) override;
    Result<Ref<Inode>> create(std::string_view, Attributes const &) override;
    Result<Ref<Inode>> make_directory(std::string_view, Attributes const &) override;
    Result<Ref<Inode>> symlink(std::string_view, std::string_view target, Attributes const &) override;
    Result<> link(std::string_view, Inode &) override;
    Result<> unlink(std::string_view, Inode &) override;
    Result<> remove_directory(std::string_view, Inode &) override;
    Result<> rename(std::string_view, Inode &, Inode &new_directory, std::string_view new_name, Inode *target,
                    unsigned flags) override;
    Result<Ref<Inode>> temporary(Attributes const &) override;
    Result<Ref<File>> open(unsigned flags) override;

    bool empty() const { return by_name_.empty(); }
    TmpfsEntry const *entry_from(std::uint64_t cookie) const;  // the first at or after it
    TmpfsEntry *take_first();                                  // unmount: takes entries apart without recursion
    void adopt(TmpfsEntry &);                                  // of a directory that is taken apart: without its name
    TmpfsDirectory *parent = nullptr;                          // for ".."; itself for the root, null once removed

private:
    struct NameLess {
        bool operator()(TmpfsEntry const &a, TmpfsEntry const &b) const { return a.name() < b.name(); }
        bool operator()(TmpfsEntry const &a, std::string_view b) const { return a.name() < b; }
        bool operator()(std::string_view a, TmpfsEntry const &b) const { return a < b.name(); }
    };
    struct CookieLess {
        bool operator()(TmpfsEntry const &a, TmpfsEntry const &b) const { return a.cookie < b.cookie; }
        bool operator()(TmpfsEntry const &a, std::uint64_t b) const { return a.cookie < b; }
        bool operator()(std::uint64_t a, TmpfsEntry const &b) const { return a < b.cookie; }
    };
    using ByName = boost::intrusive::set<
        TmpfsEntry, boost::intrusive::member_hook<TmpfsEntry, boost::intrusive::set_member_hook<>, &TmpfsEntry::name_hook>,
        boost::intrusive::compare<NameLess>, boost::intrusive::constant_time_size<false>>;
    using ByCookie = boost::intrusive::set<
        TmpfsEntry, boost::intrusive::member_hook<TmpfsEntry, boost::intrusive::set_member_hook<>, &TmpfsEntry::cookie_hook>,
        boost::intrusive::compare<CookieLess>, boost::intrusive::constant_time_size<false>>;
    TmpfsEntry *find(std::string_view name);
    void insert(TmpfsEntry &);
    void remove(TmpfsEntry &);  // does not delete it
    void changed();             // mtime, ctime
    Result<Ref<Inode>> add(std::string_view name, Result<Ref<Inode>> made);

    TmpfsCommon common_;
    ByName by_name_;
    ByCookie by_cookie_;
    std::uint64_t next_cookie_ = 2;  // 0 and 1 are "." and ".."
};
}  // namespace kernel
