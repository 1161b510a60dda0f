// SPDX-License-Identifier: MIT
// The memory of a process: a tree of regions over page tables. Demand paging, copy-on-write, file mappings, stack growth.
#pragma once
#include <arch/page_tables.hpp>
#include <kernel/ref.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace kernel {
class File;
class Thread;
struct Region;                                // address_space.cpp

// What a file or a device gives to mmap(2): frames by index. Implemented by the page cache (fs), shared memory, devices.
class MemoryObject : public RefCounted {
public:
    // The frame at page `index`, with a reference for the caller; blocks for I/O. Error::io / Error::nospc (-> SIGBUS) as the
    // object has it; Error::nxio: past its end (-> SIGBUS).
    virtual Result<Pfn> page(std::uint32_t index, bool for_write) = 0;
    virtual void page_dirtied(std::uint32_t /*index*/) {}            // a shared writable mapping wrote
    virtual bool writable_shared() const { return true; }
    virtual std::uint64_t identity_device() const { return 0; }      // for /proc/N/maps
    virtual std::uint64_t identity_inode() const { return 0; }
};

struct MapRequest {
    Vaddr address;                            // hint, or exact with MAP_FIXED
    std::uint32_t bytes;
    std::uint32_t prot, flags;                // PROT_*, MAP_* as Linux numbers them
    Ref<File> file;                           // null: anonymous
    std::uint64_t offset;                     // bytes, page-aligned
};

class AddressSpace : public RefCounted {
public:
    static Result<Ref<AddressSpace>> create();
    Result<Ref<AddressSpace>> fork();         // copy-on-write child
    ~AddressSpace() override;

    Result<Vaddr> map(MapRequest const &);
    Result<> unmap(Vaddr, std::uint32_t bytes);
    Result<> protect(Vaddr, std::uint32_t bytes, std::uint32_t prot);
    Result<Vaddr> remap(Vaddr old, std::uint32_t old_bytes, std::uint32_t new_bytes, std::uint32_t flags, Vaddr fixed);
    Result<Vaddr> set_break(Vaddr);           // brk(2): the break that holds afterwards
    Result<> advise(Vaddr, std::uint32_t bytes, int advice);
    Result<> sync(Vaddr, std::uint32_t bytes, int flags);

    // Serves a fault. Errors: Error::fault (SIGSEGV, no mapping), Error::acces (SIGSEGV, no permission), Error::nxio/io (SIGBUS),
    // Error::nomem (SIGKILL by the caller).
    Result<> fault(Vaddr, bool write, bool execute);
    void activate();                          // page tables of the running thread

    // Reads and writes through another process's mappings (ptrace, /proc/N/mem, /proc/N/cmdline); faults pages in.
    Result<std::size_t> read_remote(Vaddr, void *, std::size_t);
    Result<std::size_t> write_remote(Vaddr, void const *, std::size_t);

    struct Sizes { std::uint32_t total_pages, resident_pages, shared_pages, text_pages, data_pages, stack_pages; };
    Sizes sizes() const;
    // One line of /proc/N/maps per call, in order; index counts from 0; false: no more.
    bool describe_region(unsigned index, char *line, std::size_t size) const;

    // What exec sets and /proc shows.
    Vaddr start_code{}, end_code{}, start_data{}, end_data{}, start_break{}, arg_start{}, arg_end{}, env_start{}, env_end{}, start_stack{};
    Ref<File> executable;                     // /proc/N/exe

private:
    AddressSpace() = default;
    friend struct AddressSpaceImpl;
    arch::PageTables tables_;
    void *regions_ = nullptr;                 // the region tree (address_space.cpp)
    Vaddr break_{};
};
}    // namespace kernel
