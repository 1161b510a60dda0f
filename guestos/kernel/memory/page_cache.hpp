// SPDX-License-Identifier: MIT
// The pages of a file: read(2), write(2) and mmap(2) of one inode all see the same frames. tmpfs keeps its only copy here; what
// lies on a disk is read and written through the virtual functions (kernel/block/disk_pages.hpp).
//
//   page(), read()                                 write(), a store through a mapping
//      |  not there: insert, busy                       |  prepare(): room on the disk
//      v                                                v
//   read_pages() ... page_read()  -> clean  ------->  dirty  --write_out(): read-only in all mappings--> writing
//                    (interrupt)      ^                                                                     |
//                                     '--------- page_written() (interrupt) <--- write_pages() <------------'
//
// A cached frame has one reference from the cache, one from each page-table entry that maps it, and one while it is copied
// from or to. FrameInfo::owner and index name the cache and the page; FrameInfo::flags say what is going on with it, and
// FrameInfo::order how many transfers. Both are changed by interrupt handlers too, so each change is one atomic instruction.
#pragma once
#include <kernel/memory/address_space.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/page_tree.hpp>
#include <kernel/memory/user.hpp>
#include <kernel/process/wait.hpp>

namespace kernel {
// What one open file has read lately: pages are read ahead of one that reads in sequence.
struct ReadAhead {
    std::uint32_t next = 0;    // the page that continues the sequence
    std::uint32_t window = 0;  // pages last read ahead; 0: not in sequence
    std::uint32_t mark = ~0u;  // when this page is reached, the next window is started
    bool random = false;       // posix_fadvise(2)
};

// Errors of writing back are told once to each open file (fsync(2)).
class WriteErrors {
public:
    void add(Error e);  // callable from interrupt handlers
    // What a new descriptor begins with: an error that nobody has been told of is still news to it.
    std::uint32_t sample() const { return told_ ? sequence_ : sequence_ - 1; }
    Result<> check(std::uint32_t &sampled);

private:
    std::uint32_t sequence_ = 1;
    Error error_ = Error::none;
    bool told_ = true;
};

class PageCache;
void advise_pages(PageCache &, ReadAhead &, std::uint64_t start, std::uint64_t bytes, unsigned advice);  // POSIX_FADV_*
using DirtyHook = boost::intrusive::list_member_hook<>;

class PageCache : public MemoryObject {
public:
    ~PageCache() override;  // precondition: idle()
    Result<Pfn> page(std::uint32_t index, bool for_write) override;
    Pfn resident_page(std::uint32_t index) override;
    void resident_pages(std::uint32_t index, unsigned n, Pfn *out) override;
    bool pages_by_habit(Habit, std::uint32_t index, unsigned n, Pfn *out) override;
    void note_habit(Habit, std::uint32_t index) override;
    static void note_touched(Pfn);  // if it is a frame of a cache
    void page_dirtied(std::uint32_t index) override;
    bool tracks_dirty() const override { return backed(); }
    Result<> sync_pages(std::uint32_t first, std::uint32_t last) override;
    Result<> punch_pages(std::uint32_t first, std::uint32_t last) override;

    // Copies between the cache and a buffer within [position, size()). write() beyond extends after grow(). Both may block, on
    // the user's memory as well.
    Result<std::size_t> read(IoBuffer &, std::uint64_t position, std::uint64_t size, ReadAhead * = nullptr);
    Result<std::size_t> write(IoBuffer &, std::uint64_t position, std::uint64_t end_limit);
    void truncate(std::uint64_t size);  // drops pages beyond, zeroes the tail of the last, unmaps them from processes
    void punch(std::uint64_t start, std::uint64_t end);
    Result<> allocate(std::uint32_t index);  // the page exists afterwards, even beyond size(); a hole to read and to SEEK_HOLE
    std::uint32_t resident() const { return resident_; }
    bool next_data(std::uint32_t &index) const;  // SEEK_DATA: the first page with data at or after `index`; false: none
    virtual std::uint64_t size() const = 0;      // bytes, as mmap's SIGBUS rule needs it

    // Of a cache with backed(). Starts writing the dirty pages of [first, last); at most `most` of them. The number started.
    std::uint32_t write_out(std::uint32_t first = 0, std::uint32_t last = ~0u, std::uint32_t most = ~0u);
    void wait_written(std::uint32_t first = 0, std::uint32_t last = ~0u);
    Result<> write_and_wait(std::uint32_t first = 0, std::uint32_t last = ~0u);  // and this object's errors since
    // Clean, unmapped, idle pages of [first, last) are forgotten: somebody else wrote to the disk below them.
    void invalidate(std::uint32_t first, std::uint32_t last);
    void read_ahead(std::uint32_t first, std::uint32_t count);  // starts it; never waits for it
    void zero_tail(std::uint64_t from);                         // of the page that `from` lies in, if it is here
    void protect_page(std::uint32_t index) { protect_mappings(index); }
    bool any_dirty() const { return dirty_ != 0; }
    bool idle() const { return under_way_ == 0; }
    void wait_idle();
    void last_reference_gone() override
    {
        wait_idle();
        MemoryObject::last_reference_gone();
    }
    WriteErrors errors;
    std::uint64_t dirty_since_ns = 0;  // the oldest dirty page
    DirtyHook dirty_hook;              // write_back.cpp

protected:
    // True: pages can be read again, so clean ones are given up in a shortage, and dirty ones are written back.
    virtual bool backed() const { return false; }
    // A file system that limits its memory counts: before each page that is added, after each that is dropped (but not by
    // ~PageCache).
    virtual Result<> charge() { return {}; }
    virtual void uncharge() {}
    // Consecutive pages that are resident and busy, or being written: for each, page_read() or page_written() follows once.
    virtual void read_pages(std::uint32_t first, std::uint32_t count);
    virtual void write_pages(std::uint32_t first, std::uint32_t count);
    // Bytes [from, to) of the page are about to change: what lies on the disk gets its place there. May block.
    virtual Result<> prepare(std::uint32_t /*index*/, std::uint32_t /*from*/, std::uint32_t /*to*/, bool /*mapped*/)
    {
        return {};
    }
    virtual void write_copied(std::uint64_t /*end*/) {}  // write() has got so far
    // Callable from interrupt handlers.
    static void page_read(Pfn, bool ok);
    static void page_written(Pfn, Error);
    // The same for pages whose bytes come and go in several transfers: begin, add one for each, end begin and each of them.
    static void begin_transfers(Pfn);
    static void add_transfer(Pfn);
    static void end_transfer(Pfn, Error, bool write);
    Pfn resident_frame(std::uint32_t index) const { return pages_.find(index); }

private:
    friend struct PageReclaim;
    enum Flag : std::uint16_t {
        busy = 1,
        dirty = 2,
        referenced = 4,
        reclaimable = 8,
        writing = 16,
        failed = 32,
        unwritten = 64,        // allocated ahead: a hole to read and to SEEK_HOLE
        on_mapped_list = 128,  // reclaim.hpp
        touched = 256,         // has PageTree::touched
    };
    bool is_hole(std::uint32_t index) const;
    static std::uint16_t flags_of(Pfn);
    static void set_flags(Pfn, unsigned);
    static void clear_flags(Pfn, unsigned);
    Result<Pfn> get(std::uint32_t index, ReadAhead * = nullptr,
                    std::uint32_t wanted = 1);  // with a reference for the caller
    Result<Pfn> get_for_write(std::uint32_t index, std::uint32_t from, std::uint32_t to);
    Result<Pfn> fresh(std::uint32_t index);  // of zeroes
    Result<Pfn> ready(std::uint32_t index, Pfn);
    Result<> start_reading(std::uint32_t first, std::uint32_t count);
    void plan_read_ahead(ReadAhead &, std::uint32_t index, std::uint32_t wanted);
    Result<> insert(std::uint32_t index, Pfn, std::uint16_t flags);
    void drop(std::uint32_t index);
    bool settle(std::uint32_t index);  // waits until nothing is under way with it; false: it has gone
    void mark_dirty(std::uint32_t index, Pfn);
    void unmark_dirty(std::uint32_t index, Pfn);
    std::uint32_t start_run(std::uint32_t first, std::uint32_t last, std::uint32_t most);
    Result<Pfn> overwrite(std::uint32_t index, IoBuffer &, std::size_t &copied);
    void clear_bytes(std::uint32_t index, std::uint32_t from, std::uint32_t to);
    void protect_mappings(std::uint32_t index);
    PageTree pages_;
    WaitQueue changed_;  // a page was read or written
    std::uint32_t resident_ = 0, dirty_ = 0;
    std::uint32_t under_way_ = 0;  // pages busy or being written; changed by interrupt handlers
};
}  // namespace kernel
