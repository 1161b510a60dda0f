// SPDX-License-Identifier: MIT
// Regular files whose bytes live in a page cache: what tmpfs and every block file system have in common.
#pragma once
#include <kernel/fs/file.hpp>
#include <kernel/memory/page_cache.hpp>

namespace kernel {
class RegularInode : public Inode {
public:
    using Inode::Inode;
    virtual PageCache &pages() = 0;
    // Size changes under `mutex`. grow(): a write is about to reach `size`; set_size(): it did, or truncate(2), which drops the pages
    // beyond.
    virtual Result<> grow(std::uint64_t /*size*/) { return {}; }
    virtual Result<> before_write() { return {}; }  // any change of the bytes: Error::perm if sealed
    virtual void set_size(std::uint64_t size) = 0;
    virtual std::uint64_t size_limit() const = 0;  // the largest size this file system can hold
    // fallocate(2), FALLOC_FL_* of linux/falloc.h.
    virtual Result<> allocate(unsigned /*mode*/, std::uint64_t /*start*/, std::uint64_t /*bytes*/)
    {
        return Error::opnotsupp;
    }
    // Where the next data (or hole) begins, at or after `from`; the size if there is none. All data, unless one knows better.
    virtual std::uint64_t next_boundary(std::uint64_t from, bool hole) { return hole ? attributes.size : from; }
    virtual Result<> sync_data(bool /*data_only*/) { return {}; }
    virtual void write_ended() {}  // what grow() made room for and write() did not reach is given back
    // Files on a disk: their pages, by another name; O_DIRECT goes past them. A truncation waits for those who do.
    virtual class DiskPages *disk_pages() { return nullptr; }
    unsigned direct_users = 0;
    WaitQueue direct_done;
    void wait_direct();

    Result<Ref<File>> open(unsigned flags) override;
    Result<Ref<MemoryObject>> memory_object() override;
    Result<> set_attributes(Attributes const &, unsigned which) override;  // set_size: truncates
};

class RegularFile : public File {
public:
    RegularFile(Ref<RegularInode> opened, unsigned open_flags)
        : File{open_flags}, inode_{std::move(opened)}, errors_seen_{inode_->pages().errors.sample()}
    {
    }
    Result<std::size_t> read(IoBuffer &, std::uint64_t &position) override;
    Result<std::size_t> write(IoBuffer &, std::uint64_t &position) override;
    bool seekable() const override { return true; }
    Result<std::uint64_t> end_position() override;
    Result<std::uint64_t> seek_data(std::uint64_t from, bool hole) override;
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
    Result<> truncate(std::uint64_t) override;
    Result<> allocate(unsigned mode, std::uint64_t start, std::uint64_t bytes) override;
    Result<> sync(bool data_only) override;
    Result<> sync_range(std::uint64_t start, std::uint64_t end, bool wait) override;
    void advise(std::uint64_t start, std::uint64_t bytes, unsigned advice) override;

private:
    Result<std::size_t> write_locked(IoBuffer &, std::uint64_t &position);
    // direct_file.cpp. False: this one has to go through the pages.
    Result<bool> direct_read(IoBuffer &, std::uint64_t &position, std::size_t &moved);
    Result<bool> direct_write(IoBuffer &, std::uint64_t &position, std::size_t &moved);
    Ref<RegularInode> inode_;
    ReadAhead read_ahead_;
    std::uint32_t errors_seen_;
};

// The largest position a write may reach: the file system's limit, RLIMIT_FSIZE (with SIGXFSZ), 2 GiB without O_LARGEFILE.
Result<std::uint64_t> write_limit(unsigned open_flags, std::uint64_t position, std::uint64_t size_limit);
// A write or truncation by someone who may not keep them takes the set-id bits away (inode(7)).
Result<> remove_set_ids(Inode &);
void touch_accessed(Path const &, Inode &);  // atime, by the mount's rule (relatime)
}  // namespace kernel
