// SPDX-License-Identifier: MIT
// Demand paging: what happens at the first touch of a page, and at the first write.
//
//                 nothing there                      present, read-only
//   read          anonymous: the zero frame          (another thread was faster)
//                 file: the cache's frame, and its neighbours that are at hand
//   write         anonymous: a fresh zeroed frame    private: the frame itself if nobody else has it, else a copy
//                 private file: a copy               shared: writable, the object is told
//                 shared file: the cache's frame
#include <algorithm>
#include <cstring>
#include <kernel/fs/file.hpp>
#include <kernel/memory/address_space_detail.hpp>
#include <kernel/memory/write_back.hpp>

namespace kernel {
namespace {
constinit Pfn the_zero_frame = no_pfn;
constexpr std::uint32_t fault_around_pages = 16;
constexpr std::uint32_t expected_at_once = 64, most_expected_pages = 1024, most_expected_copies = 16;
constexpr std::uint32_t stack_guard_bytes = 256 * page_size;  // what stays free below a stack, as on Linux
}  // namespace

Pfn zero_frame()
{
    if (the_zero_frame == no_pfn) {
        auto frame = allocate_zeroed_frame();
        if (!frame.ok())
            panic("no memory for the first page of zeroes");
        the_zero_frame = frame.value();
    }
    return the_zero_frame;
}

#ifdef UNIT_TEST
void zero_frame_reset() { the_zero_frame = no_pfn; }
#endif

struct FaultService {
    AddressSpace &space;
    Region &region;
    Vaddr page;
    bool write;

    std::uint8_t read_only() const
    {
        return static_cast<std::uint8_t>(hardware_protection(region.prot) & ~arch::prot_write);
    }

    // Maps a frame whose reference is ours to give; takes it back if there is no memory for a page table.
    Result<> give(Pfn frame, std::uint8_t protection)
    {
        auto mapped = space.tables_.map(page, frame, protection);
        if (!mapped.ok())
            unref_frame(frame);
        return mapped;
    }

    Result<> anonymous()
    {
        if (write)
            return give(TRY(allocate_user_frame(true)), hardware_protection(region.prot));
        ref_frame(zero_frame());
        return give(zero_frame(), read_only());
    }

    Result<> copy_of(Pfn source)
    {
        bool zero = source == zero_frame();
        auto copy = TRY(allocate_user_frame(zero));
        if (!zero)
            std::memcpy(frame_address(copy), frame_address(source), page_size);
        region.flags |= Region::private_pages;
        return give(copy, hardware_protection(region.prot));
    }

    Result<> present(arch::Mapping const &m)
    {
        bool writable = (m.protection & arch::prot_write) != 0;
        if (!write || writable) {  // stale: somebody else served it
            space.tables_.protect(page, page_protection(region, m.frame, writable));
            return {};
        }
        if (region.has(Region::shared)) {
            if (region.object && region.object->tracks_dirty())
                return first_write();
        } else if (frame_refs(m.frame) != 1) {
            if (region.object && frame_use(m.frame) == FrameUse::cache)
                region.object->note_habit(MemoryObject::Habit::stored, region.index_at(page));
            TRY(copy_of(m.frame));
            unref_frame(m.frame);
            return {};
        }
        space.tables_.protect(page, hardware_protection(region.prot));
        return {};
    }

    // A shared page that was only read so far: its object may need room on a disk for it, and blocks to find some.
    Result<> first_write()
    {
        Ref<MemoryObject> object = region.object;
        auto index = region.index_at(page);
        auto generation = space.regions_.generation();
        auto frame = TRY(object->page(index, true));
        arch::Mapping now;
        if (generation == space.regions_.generation() && space.tables_.lookup(page, now) && now.frame == frame) {
            object->page_dirtied(index);
            space.tables_.protect(page, hardware_protection(region.prot));
        }
        unref_frame(frame);
        return {};
    }

    // The object may block for I/O. What was true of the region before must be looked at again: if anything changed, the
    // program simply faults once more.
    Result<> from_object()
    {
        Ref<MemoryObject> object = region.object;
        bool shared = region.has(Region::shared);
        auto index = region.index_at(page);
        auto generation = space.regions_.generation();
        auto frame = TRY(object->page(index, write && shared));
        arch::Mapping unused;
        if (generation != space.regions_.generation() || space.tables_.lookup(page, unused)) {
            unref_frame(frame);
            return {};
        }
        if (!write) {
            bool may_write = shared && !object->tracks_dirty();
            TRY(give(frame, may_write ? hardware_protection(region.prot) : read_only()));
            around(*object);
            return {};
        }
        if (shared) {
            object->page_dirtied(index);
            return give(frame, hardware_protection(region.prot));
        }
        object->note_habit(MemoryObject::Habit::stored, index);
        auto copied = copy_of(frame);
        unref_frame(frame);
        return copied;
    }

    // Neighbours that are at hand anyway, so that a program's text does not come in by one fault a page: where processes have been before,
    // those that they touched. Failures do not matter.
    void around(MemoryObject &object)
    {
        constexpr std::uint32_t window = fault_around_pages * page_size;
        Vaddr start{page.raw() & ~(window - 1)};
        auto end = lower(start + window, region.end);
        start = higher(start, region.start);
        bool may_write = region.has(Region::shared) && !object.tracks_dirty();
        auto protection = may_write ? hardware_protection(region.prot) : read_only();
        Pfn frames[fault_around_pages];
        auto n = (end - start) >> page_shift;
        auto index = region.index_at(start);
        if (!object.pages_by_habit(MemoryObject::Habit::touched, index, n, frames)
            || frames[(page - start) >> page_shift] == no_pfn)
            object.resident_pages(index, n, frames);
        frames[(page - start) >> page_shift] = no_pfn;  // its entry may wait for commit(), and look empty
        (void)space.tables_.map_missing(start, frames, n, protection, [](Pfn frame) { ref_frame(frame); });
    }
};

Result<> AddressSpace::fault(Vaddr address, bool write, bool execute)
{
    if (address >= arch::user_limit)
        return Error::fault;
    auto r = regions_.find(address);
    if (!r)
        r = grow_stack(address);
    if (!r)
        return Error::fault;
    auto allowed = hardware_protection(r->prot);
    auto wanted = write ? arch::prot_write : execute ? arch::prot_exec : arch::prot_read;
    if ((allowed & wanted) == 0)
        return Error::acces;
    if (r->has(Region::device))
        return Error::io;  // what is there is there without us
    FaultService service{*this, *r, page_floor(address), write};
    arch::Mapping there;
    Result<> served{};
    if (tables_.lookup(service.page, there))
        served = service.present(there);
    else if (r->object)
        served = service.from_object();
    else
        served = service.anonymous();
    auto committed = tables_.commit();
    return served.ok() ? committed : served;
}

void AddressSpace::map_expected(Vaddr start, bool unknown_too)
{
    auto r = regions_.find(start);
    if (!r || !r->object || r->prot == 0 || r->has(Region::shared))
        return;
    (r->prot & page_write) ? copy_stored(*r, start) : map_touched(*r, start, unknown_too);
    (void)tables_.commit();
}

// The region may have grown by the new mapping: what lies before `start` is not ours to touch.
void AddressSpace::map_touched(Region const &r, Vaddr start, bool unknown_too)
{
    Pfn frames[expected_at_once];
    auto end = lower(r.end, start + most_expected_pages * page_size);
    // An allocation between looking a page up and mapping it could take it away.
    if (!tables_.prepare(start, end).ok())
        return;
    for (auto a = start; a < end; a += expected_at_once * page_size) {
        auto n = std::min((end - a) >> page_shift, expected_at_once);
        if (!r.object->pages_by_habit(MemoryObject::Habit::touched, r.index_at(a), n, frames)) {
            if (!unknown_too)
                return;
            r.object->resident_pages(r.index_at(a), n, frames);
        }
        if (!tables_.map_missing(a, frames, n, hardware_protection(r.prot), [](Pfn frame) { ref_frame(frame); }).ok())
            return;
    }
}

void AddressSpace::copy_stored(Region &r, Vaddr start)
{
    Pfn frames[most_expected_copies];
    auto n = std::min((r.end - start) >> page_shift, most_expected_copies);
    if (!r.object->pages_by_habit(MemoryObject::Habit::stored, r.index_at(start), n, frames))
        return;
    for (unsigned i = 0; i < n; ++i)
        if (frames[i] != no_pfn)
            ref_frame(frames[i]);  // an allocation could take it away
    for (unsigned i = 0; i < n; ++i) {
        if (frames[i] == no_pfn)
            continue;
        auto page = start + i * page_size;
        if (arch::Mapping there; !tables_.lookup(page, there))  // MAP_POPULATE was faster
            (void)FaultService{*this, r, page, true}.copy_of(frames[i]);
        unref_frame(frames[i]);
    }
}

// An address just below a stack: the stack grows down to it, within RLIMIT_STACK and with a gap to what lies below.
Region *AddressSpace::grow_stack(Vaddr address)
{
    auto r = regions_.first_from(address);
    if (!r || !r->has(Region::grows_down))
        return nullptr;
    auto start = page_floor(address);
    std::uint32_t bytes = r->start - start;
    auto limit = memory_limit(rlimit_stack);
    if (limit != ~0u && r->end - start > limit)
        return nullptr;
    if (auto below = regions_.previous(*r); below && below->prot != 0 && !below->has(Region::grows_down))
        if (below->end > start || start - below->end < stack_guard_bytes)
            return nullptr;
    if (start.raw() < mmap_minimum || !may_add(bytes, is_private_writable(*r)).ok())
        return nullptr;
    r->start = start;
    total_pages_ += bytes >> page_shift;
    if (is_private_writable(*r))
        data_pages_ += bytes >> page_shift;
    return r;
}

// As mlock(2) wants it: writable private pages become the program's own now.
Result<> AddressSpace::populate(Vaddr start, Vaddr end)
{
    for (auto a = start; a < end;) {
        auto r = regions_.first_from(a);
        if (!r || r->start >= end)
            return {};
        a = higher(a, r->start);
        if (r->prot == 0 || r->has(Region::device)) {
            a = r->end;
            continue;
        }
        arch::Mapping there;
        bool write = is_private_writable(*r);
        if (!tables_.lookup(a, there) || (write && !(there.protection & arch::prot_write))) {
            auto served = fault(a, write, false);
            if (!served.ok() && served.error() == Error::nomem && wait_for_memory())
                continue;
            if (!served.ok())
                return served.error() == Error::nxio ? Error::nomem : served.error();
        }
        a += page_size;
    }
    return {};
}

// The processor sets an entry's accessed bit, also where it still has the translation of one that was cleared: until that goes, a page
// may look less used than it is.
MemoryObject::Use MemoryObject::take_use(std::uint32_t index)
{
    auto use = Use::unused;
    for (auto &hook : mappers_) {
        auto &r = static_cast<Region &>(hook);
        if (index < r.first_index || index - r.first_index >= r.pages())
            continue;
        if (r.has(Region::locked))
            return Use::locked;
        auto const at = r.start + ((index - r.first_index) << page_shift);
        arch::Mapping m;
        if (!r.space->tables_.lookup(at, m) || frame_use(m.frame) != FrameUse::cache || !m.accessed)
            continue;
        r.space->tables_.clear_accessed_dirty(at);
        (void)r.space->tables_.commit();
        use = Use::used;
    }
    return use;
}

void MemoryObject::unmap_everywhere(std::uint32_t first, std::uint32_t last, bool private_too)
{
    for (auto &hook : mappers_) {
        auto &r = static_cast<Region &>(hook);
        auto from = first > r.first_index ? first : r.first_index;
        auto r_last = std::uint64_t{r.first_index} + r.pages();
        auto to = last < r_last ? last : static_cast<std::uint32_t>(r_last);
        if (from >= to)
            continue;
        auto &tables = r.space->tables_;
        auto start = r.start + ((from - r.first_index) << page_shift),
             end = r.start + ((to - r.first_index) << page_shift);
        if (private_too || r.has(Region::shared) || !r.has(Region::private_pages)) {
            r.space->drop_pages(start, end);
            continue;
        }
        for (auto a = start; a < end; a += page_size) {
            arch::Mapping m;
            if (!tables.lookup(a, m) || frame_use(m.frame) != FrameUse::cache)
                continue;
            tables.unmap(a);
            (void)tables.commit();
            unref_frame(m.frame);
        }
    }
}
}  // namespace kernel
