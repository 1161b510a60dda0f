// SPDX-License-Identifier: MIT
// The regions of an address space: ranges of pages with one protection, one set of flags and one source of contents, kept in
// a red-black tree by address. They never overlap; neighbours that say the same are merged.
//
//     0         0x8040_0000         mmap_top      stack        user_limit
//     |  program   heap -->   ...   <-- mappings    <-- stack  |
#pragma once
#include <arch/boot.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <kernel/ref.hpp>
#include <lib/addr.hpp>

namespace kernel {
class AddressSpace;
class File;
class MemoryObject;

// How a MemoryObject knows the regions that show its pages, to take a page away from all of them.
struct MapperHook : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {};
using MapperList = boost::intrusive::list<MapperHook, boost::intrusive::constant_time_size<false>>;

struct Region : boost::intrusive::set_base_hook<>, MapperHook {
    enum Flag : std::uint16_t {
        shared = 1,
        grows_down = 2,
        no_reserve = 4,
        locked = 8,
        dont_fork = 16,
        dont_dump = 32,
        wipe_on_fork = 64,
        may_write = 128,      // shared file mapping: mprotect may add PROT_WRITE
        private_pages = 256,  // a private file mapping that has got pages of its own
        device = 512,         // MemoryObject::is_device()
    };
    Vaddr start, end;
    std::uint8_t prot = 0;  // PROT_*, as asked for
    std::uint16_t flags = 0;
    AddressSpace *space = nullptr;
    Ref<MemoryObject> object;       // null: anonymous
    Ref<File> file;                 // what /proc/N/maps names; keeps the inode in use
    std::uint32_t first_index = 0;  // page of the object at `start`

    Region();
    ~Region();
    bool has(std::uint16_t f) const { return (flags & f) != 0; }
    std::uint32_t pages() const { return (end - start) >> page_shift; }
    std::uint32_t index_at(Vaddr a) const { return first_index + ((a - start) >> page_shift); }
    // Everything but the place; `at` becomes the new region's start. Error::nomem.
    Result<Region *> clone(Vaddr at, Vaddr to) const;
    bool continues_with(Region const &next) const;
    friend bool operator<(Region const &a, Region const &b) { return a.start < b.start; }
};
// Of private pages; shared ones belong to their object.
inline bool is_private_writable(Region const &r) { return !r.has(Region::shared) && (r.prot & 2) != 0; }

class RegionTree {
public:
    ~RegionTree() { clear(); }
    Region *find(Vaddr) const;        // the region that holds this address, or null
    Region *first_from(Vaddr) const;  // the lowest region that ends above this address
    Region *next(Region const &) const;
    Region *previous(Region const &) const;
    Region *first() const;
    bool overlaps(Vaddr start, Vaddr end) const;
    // The highest free range of `bytes` that ends at or below `top`, else the lowest above `top`. Error::nomem.
    Result<Vaddr> find_gap(std::uint32_t bytes, Vaddr bottom, Vaddr top) const;

    void insert(Region &);  // precondition: no overlap. Takes ownership
    void remove(Region &);  // gives ownership back
    // Afterwards no region straddles `at`. Error::nomem.
    Result<> split(Vaddr at);
    // Joins `r` with its neighbours where they continue each other; returns the region that `r` is now part of.
    Region &merge(Region &r);
    void clear();
    std::uint32_t count() const { return count_; }
    // Changes whenever a region is added, removed, split or merged: who slept compares it.
    std::uint32_t generation() const { return generation_; }

private:
    using Set = boost::intrusive::set<Region, boost::intrusive::constant_time_size<false>>;
    void absorb(Region &into, Region &next);
    Set set_;
    std::uint32_t count_ = 0, generation_ = 0;
};
}  // namespace kernel
