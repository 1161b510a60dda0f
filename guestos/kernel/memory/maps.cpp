// SPDX-License-Identifier: MIT
// Looking at an address space from outside: /proc/N/maps and statm, mincore, ptrace's reads and writes.
#include <cstring>
#include <kernel/fs/file.hpp>
#include <kernel/memory/address_space_detail.hpp>
#include <kernel/memory/write_back.hpp>
#include <lib/format.hpp>

namespace kernel {
namespace {
// Device numbers as Linux packs them in 32 bits: minor in bits 0-7 and 20-31, major in bits 8-19.
constexpr unsigned major_of(std::uint64_t dev) { return static_cast<unsigned>(dev >> 8 & 0xfff); }
constexpr unsigned minor_of(std::uint64_t dev) { return static_cast<unsigned>((dev & 0xff) | (dev >> 12 & 0xfff00)); }

struct Identity {
    std::uint64_t device = 0, inode = 0;
};

Identity identity_of(Region const &r)
{
    if (r.file)
        if (auto inode = r.file->inode())
            return {inode->super.device, inode->attributes.ino};
    if (r.object)
        return {r.object->identity_device(), r.object->identity_inode()};
    return {};
}

// The name in the last column, with newlines as \012; false: none.
bool region_name(AddressSpace const &space, Region const &r, char *out, std::size_t size)
{
    char const *fixed = nullptr;
    if (r.object) {
        fixed = r.object->name();
        if (!fixed && r.file) {
            r.file->describe(out, size);
            return true;
        }
    } else if (r.start < space.current_break() && r.end > space.start_break) {
        fixed = "[heap]";
    } else if (r.start <= space.start_stack && space.start_stack < r.end) {
        fixed = "[stack]";
    }
    if (fixed)
        format(out, size, "%s", fixed);
    return fixed != nullptr;
}

struct Count {
    std::uint32_t all = 0, cached = 0;
    static void page(void *context, Vaddr, arch::Mapping const &m)
    {
        auto &self = *static_cast<Count *>(context);
        if (m.frame == zero_frame())
            return;
        ++self.all;
        if (frame_use(m.frame) == FrameUse::cache)
            ++self.cached;
    }
};
}  // namespace

AddressSpace::Sizes AddressSpace::sizes() const
{
    Count count;
    tables_.for_each(Vaddr{}, arch::user_limit, Count::page, &count);
    auto stack = regions_.find(start_stack);
    return {.total_pages = total_pages_,
            .resident_pages = count.all,
            .shared_pages = count.cached,
            .text_pages = (page_ceil(end_code) - page_floor(start_code)) >> page_shift,
            .data_pages = data_pages_,
            .stack_pages = stack ? stack->pages() : 0};
}

std::uint32_t AddressSpace::locked_pages() const
{
    std::uint32_t pages = 0;
    for (auto r = regions_.first(); r; r = regions_.next(*r))
        if (r->has(Region::locked))
            pages += r->pages();
    return pages;
}

// As fs/proc of Linux prints it: the name begins in column 49 + 1, after padding.
bool AddressSpace::describe_region(unsigned index, char *line, std::size_t size) const
{
    auto r = regions_.first();
    for (; r && index != 0; --index)
        r = regions_.next(*r);
    if (!r || size == 0)
        return false;
    auto id = identity_of(*r);
    auto offset = r->object ? std::uint64_t{r->first_index} << page_shift : 0;
    auto length = static_cast<std::size_t>(
        format(line, size, "%08x-%08x %c%c%c%c %08llx %02x:%02x %llu ", r->start.raw(), r->end.raw(),
               r->prot & page_read ? 'r' : '-', r->prot & page_write ? 'w' : '-', r->prot & page_exec ? 'x' : '-',
               r->has(Region::shared) ? 's' : 'p', static_cast<unsigned long long>(offset), major_of(id.device),
               minor_of(id.device), static_cast<unsigned long long>(id.inode)));
    constexpr std::size_t name_column = 49;
    if (size <= name_column + 1 || length > name_column
        || !region_name(*this, *r, line + name_column, size - name_column))
        return true;
    std::memset(line + length, ' ', name_column - length);
    return true;
}

Result<> AddressSpace::resident(Vaddr start, std::uint32_t pages, std::uint8_t *out) const
{
    for (std::uint32_t i = 0; i < pages; ++i) {
        auto a = start + (i << page_shift);
        auto r = regions_.find(a);
        if (!r)
            return Error::nomem;
        arch::Mapping unused;
        bool here = tables_.lookup(a, unused) || (r->object && r->object->resident_page(r->index_at(a)) != no_pfn);
        out[i] = here ? 1 : 0;
    }
    return {};
}

Result<std::size_t> AddressSpace::read_remote(Vaddr from, void *to, std::size_t n)
{
    std::size_t done = 0;
    while (done < n) {
        auto a = from + static_cast<std::uint32_t>(done);
        arch::Mapping m;
        if (!tables_.lookup(page_floor(a), m)) {
            auto served = fault(a, false, false);
            if (!served.ok() && served.error() == Error::nomem && wait_for_memory())
                continue;
            if (!served.ok() || !tables_.lookup(page_floor(a), m))
                break;
        }
        auto piece = page_size - page_offset(a) < n - done ? page_size - page_offset(a) : n - done;
        std::memcpy(static_cast<char *>(to) + done, static_cast<char *>(frame_address(m.frame)) + page_offset(a), piece);
        done += piece;
    }
    if (done == 0 && n != 0)
        return Error::fault;
    return done;
}

Result<std::size_t> AddressSpace::write_remote(Vaddr to, void const *from, std::size_t n)
{
    std::size_t done = 0;
    while (done < n) {
        auto a = to + static_cast<std::uint32_t>(done);
        arch::Mapping m;
        if (!tables_.lookup(page_floor(a), m) || !(m.protection & arch::prot_write)) {
            auto served = fault(a, true, false);
            if (!served.ok() && served.error() == Error::nomem && wait_for_memory())
                continue;
            if (!served.ok())
                return done ? Result<std::size_t>{done} : Result<std::size_t>{served.error()};
            if (!tables_.lookup(page_floor(a), m))
                break;
        }
        auto piece = page_size - page_offset(a) < n - done ? page_size - page_offset(a) : n - done;
        std::memcpy(static_cast<char *>(frame_address(m.frame)) + page_offset(a),
                    static_cast<char const *>(from) + done, piece);
        done += piece;
    }
    return done;
}
}  // namespace kernel
