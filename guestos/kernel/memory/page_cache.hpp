// SPDX-License-Identifier: MIT
// The pages of a file: read(2), write(2) and mmap(2) of one inode all see the same frames. tmpfs keeps its only copy here; a
// block file system fills and writes back through the virtual functions.
//
// A cached frame has one reference from the cache, one from each page-table entry that maps it, and one while it is copied
// from or to. FrameInfo::owner and index name the cache and the page; FrameInfo::flags say what is going on with it.
#pragma once
#include <kernel/memory/address_space.hpp>
#include <kernel/memory/page_tree.hpp>
#include <kernel/memory/user.hpp>
#include <kernel/process/wait.hpp>

namespace kernel {
class PageCache : public MemoryObject {
public:
    ~PageCache() override;
    Result<Pfn> page(std::uint32_t index, bool for_write) override;
    Pfn resident_page(std::uint32_t index) override;
    void resident_pages(std::uint32_t index, unsigned n, Pfn *out) override;
    void page_dirtied(std::uint32_t index) override;
    bool tracks_dirty() const override { return backed(); }
    Result<> sync_pages(std::uint32_t first, std::uint32_t last) override;
    Result<> punch_pages(std::uint32_t first, std::uint32_t last) override;

    // Copies between the cache and a buffer within [position, size()). write() beyond extends after grow(). Both may block, on
    // the user's memory as well.
    Result<std::size_t> read(IoBuffer &, std::uint64_t position, std::uint64_t size);
    Result<std::size_t> write(IoBuffer &, std::uint64_t position, std::uint64_t end_limit);
    void truncate(std::uint64_t size);  // drops pages beyond, zeroes the tail of the last, unmaps them from processes
    void punch(std::uint64_t start, std::uint64_t end);
    Result<> allocate(std::uint32_t index);  // the page exists afterwards, even beyond size(); a hole to read and to SEEK_HOLE
    std::uint32_t resident() const { return resident_; }
    bool next_data(std::uint32_t &index) const;  // SEEK_DATA: the first page with data at or after `index`; false: none
    virtual std::uint64_t size() const = 0;      // bytes, as mmap's SIGBUS rule needs it

protected:
    // True: pages can be read again, so clean ones are given up in a shortage, and dirty ones are written back.
    virtual bool backed() const { return false; }
    // A file system that limits its memory counts: before each page that is added, after each that is dropped (but not by
    // ~PageCache).
    virtual Result<> charge() { return {}; }
    virtual void uncharge() {}
    virtual Result<> fill(std::uint32_t index, Pfn);  // default: zeroes (tmpfs)
    virtual Result<> write_back(std::uint32_t index, Pfn)
    {
        (void)index;
        return {};
    }

private:
    friend std::uint32_t reclaim_frames(std::uint32_t);
    enum Flag : std::uint16_t { busy = 1, dirty = 2, referenced = 4, reclaimable = 8, unwritten = 16 };
    Result<Pfn> get(std::uint32_t index);  // with a reference for the caller, who may write
    bool is_hole(std::uint32_t index) const;
    Result<> insert(std::uint32_t index, Pfn);
    void drop(std::uint32_t index);
    Result<Pfn> overwrite(std::uint32_t index, IoBuffer &, std::size_t &copied);
    void clear_bytes(std::uint32_t index, std::uint32_t from, std::uint32_t to);
    void protect_mappings(std::uint32_t index);
    PageTree pages_;
    WaitQueue filled_;
    std::uint32_t resident_ = 0;
};
}  // namespace kernel
