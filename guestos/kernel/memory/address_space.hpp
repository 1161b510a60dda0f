// SPDX-License-Identifier: MIT
// The memory of a process: a tree of regions over page tables. Demand paging, copy-on-write, file mappings, stack growth.
//
// Regions say what may be there, page tables what is there now: every page-table entry can be made again from its region, except
// for private pages, whose only reference is the entry itself.
#pragma once
#include <arch/page_tables.hpp>
#include <kernel/memory/region.hpp>
#include <kernel/ref.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <span>

namespace kernel {
class File;
class Thread;

// What a file or a device gives to mmap(2): frames by index. Implemented by the page cache (fs), shared memory, devices.
class MemoryObject : public RefCounted {
public:
    // The frame at page `index`, with a reference for the caller; blocks for I/O. Error::io / Error::nospc (-> SIGBUS) as the
    // object has it; Error::nxio: past its end (-> SIGBUS).
    virtual Result<Pfn> page(std::uint32_t index, bool for_write) = 0;
    // The frame at `index` if it is at hand, without a reference and without blocking, for fault-around; else no_pfn.
    virtual Pfn resident_page(std::uint32_t /*index*/) { return no_pfn; }
    virtual void resident_pages(std::uint32_t index, unsigned n, Pfn *out)  // the same for n pages from index
    {
        for (unsigned i = 0; i < n; ++i)
            out[i] = resident_page(index + i);
    }
    // What processes have done to pages that they had mapped, and the next one is expected to do: touched them; stored to them, as
    // private copies.
    enum class Habit : std::uint8_t { touched, stored };
    virtual void note_habit(Habit, std::uint32_t /*index*/) {}
    // resident_pages() of those only; false: nothing is known of this object.
    virtual bool pages_by_habit(Habit, std::uint32_t /*index*/, unsigned /*n*/, Pfn * /*out*/) { return false; }
    virtual void page_dirtied(std::uint32_t /*index*/) {}  // a shared writable mapping wrote
    virtual bool writable_shared() const { return true; }
    // True: page_dirtied() must follow each first write, so shared pages start read-only.
    virtual bool tracks_dirty() const { return false; }
    virtual Result<> sync_pages(std::uint32_t /*first*/, std::uint32_t /*last*/) { return {}; }  // msync: [first, last)
    virtual Result<> punch_pages(std::uint32_t, std::uint32_t)
    {
        return Error::opnotsupp;
    }  // MADV_REMOVE: [first, last)
    // Device memory: the object puts the page-table entries of its mappings itself (AddressSpace::device_tables) and takes them
    // away in detach(). Such a mapping is shared; it is not faulted in (SIGBUS), not inherited by fork, not moved or grown.
    virtual bool is_device() const { return false; }
    // A mapping came to be; an error undoes it and is mmap(2)'s.
    virtual Result<> attach(AddressSpace &, Region const &) { return {}; }
    // A region came to be (mmap, fork, the half of a split one), or went (munmap, exit, joined with its neighbour).
    virtual void mapping_added() {}
    virtual void mapping_removed() {}
    // [start, end) of a mapping of device memory goes; `first` is the page at start. Called for each piece, once; may not fail.
    virtual void detach(arch::PageTables &, Vaddr /*start*/, Vaddr /*end*/, std::uint32_t /*first*/) {}
    // Its pages are in place from the start, and stay with the process that mapped it: memory that hypercalls point to.
    virtual bool is_resident() const { return false; }

    virtual std::uint64_t identity_device() const { return 0; }  // for /proc/N/maps, without a file
    virtual std::uint64_t identity_inode() const { return 0; }
    virtual char const *name() const { return nullptr; }  // the same: "/dev/zero (deleted)"

    // The reverse map: the regions that show pages of this object.
    MapperList &mappers() { return mappers_; }
    // Takes pages [first, last) out of all address spaces. Private copies stay unless `private_too` (truncate).
    void unmap_everywhere(std::uint32_t first, std::uint32_t last, bool private_too);
    // What processes did with the page since the last call, as far as they have it mapped: to them it counts as unused from now on.
    enum class Use : std::uint8_t { unused, used, locked };
    Use take_use(std::uint32_t index);

private:
    MapperList mappers_;
};
// Shared anonymous memory: MAP_SHARED|MAP_ANONYMOUS, /dev/zero, System V shared memory.
Result<Ref<MemoryObject>> make_shared_memory(std::uint32_t pages, char const *name);

struct MapRequest {
    Vaddr address;  // hint, or exact with MAP_FIXED
    std::uint32_t bytes;
    std::uint32_t prot, flags;   // PROT_*, MAP_* as Linux numbers them
    Ref<File> file;              // null: anonymous
    std::uint64_t offset;        // bytes, page-aligned
    Ref<MemoryObject> object{};  // instead of file's: System V shared memory
    bool read_only = false;      // mprotect(2) may not make it writable
};

class AddressSpace : public RefCounted {
public:
    static Result<Ref<AddressSpace>> create();
    // A copy-on-write child. `hot`: addresses whose pages both sides are about to write; they are copied now, for less than two faults.
    Result<Ref<AddressSpace>> fork(std::span<Vaddr const> hot = {});
    ~AddressSpace() override;

    Result<Vaddr> map(MapRequest const &);
    Result<> unmap(Vaddr, std::uint32_t bytes);
    Result<> protect(Vaddr, std::uint32_t bytes, std::uint32_t prot);
    Result<Vaddr> remap(Vaddr old, std::uint32_t old_bytes, std::uint32_t new_bytes, std::uint32_t flags, Vaddr fixed);
    Result<Vaddr> set_break(Vaddr);  // brk(2): the break that holds afterwards
    Result<> advise(Vaddr, std::uint32_t bytes, int advice);
    Result<> sync(Vaddr, std::uint32_t bytes, int flags);
    Result<> lock(Vaddr, std::uint32_t bytes, bool on, bool populate);  // mlock, munlock
    Result<> lock_all(bool current, bool future, bool populate);        // mlockall, munlockall
    // mincore(2): one byte for each page, bit 0: resident. Error::nomem: not mapped.
    Result<> resident(Vaddr, std::uint32_t pages, std::uint8_t *out) const;

    // Serves a fault. Errors: Error::fault (SIGSEGV, no mapping), Error::acces (SIGSEGV, no permission), Error::nxio/io (SIGBUS),
    // Error::nomem (SIGKILL by the caller).
    Result<> fault(Vaddr, bool write, bool execute);
    Result<> populate(Vaddr start, Vaddr end);  // faults everything in, as far as it goes
    void activate();                            // page tables of the running thread

    // Reads and writes through another process's mappings (ptrace, /proc/N/mem, /proc/N/cmdline); faults pages in. They
    // obey the protection that the program itself has.
    Result<std::size_t> read_remote(Vaddr, void *, std::size_t);
    Result<std::size_t> write_remote(Vaddr, void const *, std::size_t);
    // The private mapping at `start` is new: maps what of its object is in memory and is expected to be touched, and copies what is
    // expected to be stored to. Of an object of which nothing is known, everything (`unknown_too`) but copies. What is mapped already stays
    // as it is. Failures do not matter.
    void map_expected(Vaddr start, bool unknown_too);
    // exec: puts a frame of the caller's (with its reference) at `page`. Precondition: private, nothing there.
    Result<> install(Vaddr page, Pfn);
    void write_protect(Vaddr page);  // page cache: the next write shall fault

    struct Sizes {
        std::uint32_t total_pages, resident_pages, shared_pages, text_pages, data_pages, stack_pages;
    };
    Sizes sizes() const;
    std::uint32_t mapped_pages() const { return tables_.in_use(); }  // resident, or the zero frame
    std::uint32_t locked_pages() const;
    // One line of /proc/N/maps per call, without the newline, in order; index counts from 0; false: no more.
    bool describe_region(unsigned index, char *line, std::size_t size) const;
    RegionTree const &regions() const { return regions_; }
    arch::PageTables &device_tables()
    {
        return tables_;
    }  // for objects of device memory: the entries of their own mappings only

    // What exec sets and /proc shows.
    Vaddr start_code{}, end_code{}, start_data{}, end_data{}, start_break{}, arg_start{}, arg_end{}, env_start{},
        env_end{}, start_stack{};
    Vaddr mmap_top{0xb800'0000};  // mappings grow downwards from here
    Ref<File> executable;         // /proc/N/exe; set by run()
    // This memory runs the program in that file, which nobody may write meanwhile (Error::txtbsy if somebody does).
    Result<> run(Ref<File>);
    Vaddr current_break() const { return break_; }
    void set_initial_break(Vaddr a) { start_break = break_ = a; }

private:
    friend class MemoryObject;
    friend struct FaultService;  // fault.cpp
    AddressSpace() = default;
    Result<Vaddr> choose_address(MapRequest const &, std::uint32_t bytes) const;
    Result<> clear_range(Vaddr start, Vaddr end);  // unmap, of page-aligned bounds
    Result<Region *> add_region(MapRequest const &, Vaddr, std::uint32_t bytes, Ref<MemoryObject>);
    Result<> may_add(std::uint32_t bytes, bool data) const;
    Result<> fork_region(AddressSpace &child, Region const &);
    Result<> copy_page(AddressSpace &child, Vaddr);
    void map_touched(Region const &, Vaddr start, bool unknown_too);
    void copy_stored(Region &, Vaddr start);
    void drop_pages(Vaddr start, Vaddr end);  // page-table entries and their references
    void detach(Region &);                    // device memory: its entries
    Result<> protect_region(Region &, std::uint8_t prot);
    Result<> move_pages(Region const &from, Vaddr old, Vaddr to, std::uint32_t bytes);
    Result<> grow_region(Region &, std::uint32_t bytes);
    Result<Vaddr> move_region(Region &, Vaddr old, std::uint32_t old_bytes, std::uint32_t new_bytes,
                              std::uint32_t flags, Vaddr to);
    Result<> advise_region(Region &, Vaddr start, Vaddr end, int advice);
    Region *grow_stack(Vaddr);

    arch::PageTables tables_;
    RegionTree regions_;
    std::uint32_t total_pages_ = 0, data_pages_ = 0;  // of all regions; of private writable ones
    bool lock_future_ = false;
    Vaddr break_{};
};

// limits.cpp: the running process's soft limit in bytes (RLIMIT_*), ~0u: none or too much to matter here.
std::uint32_t memory_limit(unsigned which);
}  // namespace kernel
