// SPDX-License-Identifier: MIT
// The hypervisor's heap: the pages of the image window behind the image. Runs of pages come from a bitmap, first fit; small objects from
// pages cut into pieces of one power of two, kept on a list for each size. The hypervisor allocates seldom (a domain, its grant table), so
// first fit is good enough, and pages cut into pieces stay so.
#include <hv/heap.hpp>
#include <hv/layout.hpp>
#include <hv/lock.hpp>
#include <lib/panic.hpp>

namespace hv {
namespace {

constexpr unsigned max_pages = image_bytes >> page_shift;
constexpr unsigned min_shift = 4, max_shift = 11;

struct Piece {
    Piece *next;
};

Lock heap_lock;
std::uint32_t used_bits[max_pages / 32];
Piece *pieces[max_shift + 1];
std::byte *base;
Mfn base_mfn;
unsigned page_count;
std::size_t bytes_used;  // handed out: pages cut into pieces that nobody has do not count

bool is_used(unsigned page) { return (used_bits[page / 32] >> page % 32 & 1) != 0; }
void flip(unsigned page) { used_bits[page / 32] ^= 1u << page % 32; }

bool is_free_run(unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; ++i)
        if (is_used(first + i))
            return false;
    return true;
}

unsigned shift_for(std::size_t bytes)
{
    unsigned shift = min_shift;
    while ((std::size_t{1} << shift) < bytes)
        ++shift;
    return shift;
}

unsigned order_for(std::size_t bytes) { return shift_for(bytes) < page_shift ? 0 : shift_for(bytes) - page_shift; }

void *take_pages(unsigned order)
{
    unsigned count = 1u << order;
    for (unsigned first = 0; first + count <= page_count; first += count) {
        if (!is_free_run(first, count))
            continue;
        for (unsigned i = 0; i < count; ++i)
            flip(first + i);
        void *p = base + first * std::size_t{page_size};
        __builtin_memset(p, 0, count * std::size_t{page_size});
        return p;
    }
    return nullptr;
}

bool cut_page(unsigned shift)
{
    auto *page = static_cast<std::byte *>(take_pages(0));
    for (std::size_t at = 0; page && at < page_size; at += std::size_t{1} << shift) {
        auto *piece = reinterpret_cast<Piece *>(page + at);
        piece->next = pieces[shift];
        pieces[shift] = piece;
    }
    return page != nullptr;
}

}  // namespace

void heap_init(void *start, Mfn first, unsigned pages)
{
    ASSERT(pages <= max_pages);
    base = static_cast<std::byte *>(start);
    base_mfn = first;
    page_count = pages;
    bytes_used = 0;
    __builtin_memset(used_bits, 0, sizeof used_bits);
    __builtin_memset(pieces, 0, sizeof pieces);
}

void *allocate_pages(unsigned order)
{
    LockGuard guard{heap_lock};
    void *p = order < 16 ? take_pages(order) : nullptr;
    bytes_used += p ? std::size_t{page_size} << order : 0;
    return p;
}

void free_pages(void *p, unsigned order)
{
    LockGuard guard{heap_lock};
    auto first = static_cast<unsigned>((static_cast<std::byte *>(p) - base) >> page_shift);
    for (unsigned i = 0; i < 1u << order; ++i) {
        ASSERT(is_used(first + i));
        flip(first + i);
    }
    bytes_used -= std::size_t{page_size} << order;
}

void *allocate(std::size_t bytes)
{
    unsigned shift = shift_for(bytes);
    if (shift > max_shift)
        return allocate_pages(order_for(bytes));
    LockGuard guard{heap_lock};
    if (!pieces[shift] && !cut_page(shift))
        return nullptr;
    Piece *piece = pieces[shift];
    pieces[shift] = piece->next;
    bytes_used += std::size_t{1} << shift;
    __builtin_memset(static_cast<void *>(piece), 0, std::size_t{1} << shift);
    return piece;
}

void free(void *p, std::size_t bytes)
{
    if (!p)
        return;
    unsigned shift = shift_for(bytes);
    if (shift > max_shift)
        return free_pages(p, order_for(bytes));
    LockGuard guard{heap_lock};
    auto *piece = static_cast<Piece *>(p);
    piece->next = pieces[shift];
    pieces[shift] = piece;
    bytes_used -= std::size_t{1} << shift;
}

std::size_t heap_size(std::size_t bytes) { return std::size_t{1} << shift_for(bytes); }

Mfn heap_mfn(void const *p)
{
    auto offset = static_cast<std::byte const *>(p) - base;
    return base_mfn + static_cast<std::uint32_t>(offset >> page_shift);
}

void *heap_address(Mfn mfn) { return base + (std::size_t{mfn - base_mfn} << page_shift); }

std::size_t heap_used() { return bytes_used; }

}  // namespace hv
