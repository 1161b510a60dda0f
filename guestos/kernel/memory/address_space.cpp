// SPDX-License-Identifier: MIT
// Mapping and unmapping.
#include <kernel/fs/file.hpp>
#include <kernel/memory/address_space_detail.hpp>
#include <kernel/memory/page_cache.hpp>

namespace kernel {
namespace {
constexpr unsigned access_mode(File const &f) { return f.flags & 3; }

// What a mapping of `q` shows; null: anonymous private memory. The permission rules of mmap(2).
Result<Ref<MemoryObject>> object_for(MapRequest const &q)
{
    bool shared = (q.flags & map_type) != map_private;
    if (q.object)
        return q.object;
    if (!q.file) {
        if (!shared)
            return Ref<MemoryObject>{};
        return make_shared_memory(pages_for(q.bytes), "/dev/zero (deleted)");
    }
    if (access_mode(*q.file) == 1)
        return Error::acces;
    if (shared && (q.prot & page_write) && !q.file->writable())
        return Error::acces;
    auto object = TRY(q.file->memory_object());
    if (shared && (q.prot & page_write) && object && !object->writable_shared())
        return Error::acces;
    return object;
}

std::uint16_t region_flags(MapRequest const &q, MemoryObject const *object)
{
    unsigned flags = 0;
    if (object && object->is_device())
        flags |= Region::device | Region::dont_fork;
    if (object && object->is_resident())
        flags |= Region::dont_fork;
    if ((q.flags & map_type) != map_private) {
        flags |= Region::shared;
        if (!q.read_only && (!q.file || q.file->writable()))
            flags |= Region::may_write;
    }
    if (q.flags & map_growsdown)
        flags |= Region::grows_down;
    if (q.flags & map_noreserve)
        flags |= Region::no_reserve;
    if (q.flags & map_locked)
        flags |= Region::locked;
    return static_cast<std::uint16_t>(flags);
}

Result<> check_request(MapRequest const &q)
{
    auto type = q.flags & map_type;
    if (q.bytes == 0 || type < map_shared || type > map_shared_validate)
        return Error::inval;
    if (q.flags & map_hugetlb)
        return Error::inval;
    if (q.offset % page_size != 0)
        return Error::inval;
    auto pages = std::uint64_t{pages_for(q.bytes)};
    if ((q.offset >> page_shift) + pages > 1ull << 32)
        return Error::overflow;
    if (q.bytes > arch::user_limit.raw())
        return Error::nomem;
    // No machine could ever back it: refused at once rather than killed later.
    bool counted = type == map_private && (q.prot & page_write) && !(q.flags & map_noreserve);
    if (counted && pages > frame_counts().total)
        return Error::nomem;
    return {};
}
}  // namespace

Result<Ref<AddressSpace>> AddressSpace::create()
{
    auto p = new (std::nothrow) AddressSpace;
    if (!p)
        return Error::nomem;
    Ref<AddressSpace> space{p};
    TRY(space->tables_.create());
    return space;
}

namespace {
void let_go(Pfn frame, bool accessed)
{
    if (accessed)
        PageCache::note_touched(frame);
    unref_frame(frame);
}
}  // namespace

AddressSpace::~AddressSpace()
{
    for (auto r = regions_.first(); r; r = regions_.next(*r))
        detach(*r);
    // Nobody runs here any more: the entries need no erasing one by one, only their references count.
    tables_.destroy(let_go);
    if (executable)
        ++executable->inode()->writers;
}

Result<> AddressSpace::run(Ref<File> file)
{
    auto inode = file->inode();
    if (inode->writers > 0)
        return Error::txtbsy;
    --inode->writers;
    executable = std::move(file);
    return {};
}

void AddressSpace::activate() { tables_.load(); }

Result<Vaddr> AddressSpace::choose_address(MapRequest const &q, std::uint32_t bytes) const
{
    if (q.flags & (map_fixed | map_fixed_noreplace)) {
        auto end = TRY(range_end(q.address, bytes));
        if ((q.flags & map_fixed_noreplace) && regions_.overlaps(q.address, end))
            return Error::exist;
        return q.address;
    }
    if (q.address.raw() > mmap_minimum) {
        auto hint = page_ceil(q.address);
        auto end = range_end(hint, bytes);
        if (hint.raw() != 0 && end.ok() && !regions_.overlaps(hint, end.value()))
            return hint;
    }
    return regions_.find_gap(bytes, Vaddr{mmap_minimum}, mmap_top);
}

// RLIMIT_AS for everything, RLIMIT_DATA for private writable memory.
Result<> AddressSpace::may_add(std::uint32_t bytes, bool data) const
{
    auto over = [bytes](std::uint32_t pages, unsigned which) {
        auto limit = memory_limit(which);
        return limit != ~0u && (std::uint64_t{pages} << page_shift) + bytes > limit;
    };
    if (over(total_pages_, rlimit_as) || (data && over(data_pages_, rlimit_data)))
        return Error::nomem;
    return {};
}

Result<Vaddr> AddressSpace::map(MapRequest const &q)
{
    TRY(check_request(q));
    auto object = TRY(object_for(q));
    if (object && object->is_device() && (q.flags & map_type) == map_private)
        return Error::inval;
    auto bytes = pages_for(q.bytes) << page_shift;
    auto at = TRY(choose_address(q, bytes));
    bool data = (q.flags & map_type) == map_private && (q.prot & page_write);
    if (q.flags & map_fixed && !(q.flags & map_fixed_noreplace))
        TRY(clear_range(at, at + bytes));
    TRY(may_add(bytes, data));
    auto region = TRY(add_region(q, at, bytes, object));
    if (object) {
        auto attached = object->attach(*this, *region);
        if (!attached.ok()) {
            TRY(clear_range(at, at + bytes));
            return attached.error();
        }
        if (object->is_resident())
            TRY(populate(at, at + bytes));
    }
    if ((q.flags & (map_populate | map_locked)) || region->has(Region::locked))
        (void)populate(at, at + bytes);
    return at;
}

Result<Region *> AddressSpace::add_region(MapRequest const &q, Vaddr at, std::uint32_t bytes, Ref<MemoryObject> object)
{
    auto r = new (std::nothrow) Region;
    if (!r)
        return Error::nomem;
    r->start = at;
    r->end = at + bytes;
    r->prot = static_cast<std::uint8_t>(q.prot & prot_mask);
    r->flags = region_flags(q, object.get());
    if (lock_future_)
        r->flags |= Region::locked;
    r->space = this;
    if (object) {
        r->file = q.file;
        r->first_index = static_cast<std::uint32_t>(q.offset >> page_shift);
    }
    r->object = std::move(object);
    regions_.insert(*r);
    total_pages_ += r->pages();
    if (is_private_writable(*r))
        data_pages_ += r->pages();
    return &regions_.merge(*r);
}

Result<> AddressSpace::unmap(Vaddr start, std::uint32_t bytes)
{
    if (bytes == 0 || page_offset(start) != 0)
        return Error::inval;
    auto end = range_end(start, bytes);
    if (!end.ok())
        return Error::inval;
    return clear_range(start, end.value());
}

// The tree is right before anything is released: the last reference to a file may run its file system's code.
Result<> AddressSpace::clear_range(Vaddr start, Vaddr end)
{
    if (!regions_.overlaps(start, end))
        return {};
    TRY(split_around(regions_, start, end));
    MapperList gone;
    for (auto r = regions_.first_from(start); r && r->start < end;) {
        auto next = regions_.next(*r);
        total_pages_ -= r->pages();
        if (is_private_writable(*r))
            data_pages_ -= r->pages();
        regions_.remove(*r);
        gone.push_back(*r);
        r = next;
    }
    for (auto &hook : gone)
        detach(static_cast<Region &>(hook));
    drop_pages(start, end);
    while (!gone.empty())
        delete static_cast<Region *>(&gone.front());
    return {};
}

void AddressSpace::detach(Region &r)
{
    if (r.has(Region::device))
        r.object->detach(tables_, r.start, r.end, r.first_index);
}

void AddressSpace::drop_pages(Vaddr start, Vaddr end)
{
    tables_.unmap_range(
        start, end, [](void *, Pfn frame, bool) { unref_frame(frame); }, nullptr);
    if (!tables_.commit().ok())
        panic("page tables refuse to give up %08x-%08x", start.raw(), end.raw());
}

Result<Vaddr> AddressSpace::set_break(Vaddr wanted)
{
    if (wanted < start_break || wanted >= arch::user_limit)
        return break_;
    auto old_end = page_ceil(break_), new_end = page_ceil(wanted);
    if (wanted < break_) {
        if (new_end < old_end && !clear_range(new_end, old_end).ok())
            return break_;
    } else if (new_end > old_end) {
        auto limit = memory_limit(rlimit_data);
        std::uint32_t bytes = new_end - old_end;
        if (limit != ~0u && std::uint64_t{wanted - start_break} + (end_data - start_data) > limit)
            return break_;
        // A page stays free above, so that running off the heap is noticed.
        if (regions_.overlaps(old_end, new_end + page_size) || !may_add(bytes, true).ok())
            return break_;
        MapRequest q{.address = old_end,
                     .bytes = bytes,
                     .prot = page_read | page_write,
                     .flags = map_private | map_anonymous | map_fixed,
                     .file = {},
                     .offset = 0};
        auto r = add_region(q, old_end, bytes, {});
        if (!r.ok())
            return break_;
        if (r.value()->has(Region::locked))
            (void)populate(old_end, new_end);
    }
    return break_ = wanted;
}

void AddressSpace::write_protect(Vaddr page)
{
    arch::Mapping m;
    if (!tables_.lookup(page, m) || !(m.protection & arch::prot_write))
        return;
    tables_.protect(page, static_cast<std::uint8_t>(m.protection & ~arch::prot_write));
    (void)tables_.commit();
}

Result<> AddressSpace::install(Vaddr page, Pfn frame)
{
    auto r = regions_.find(page);
    ASSERT(r && !r->has(Region::shared));
    TRY(tables_.map(page, frame, hardware_protection(r->prot)));
    set_frame_use(frame, FrameUse::anonymous);
    return tables_.commit();
}
}  // namespace kernel
