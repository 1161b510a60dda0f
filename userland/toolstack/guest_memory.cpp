// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <pv/hypercalls.h>
#include <pv/memory.h>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/guest_memory.hpp>

namespace {
constexpr unsigned large_order = 9;
constexpr std::uint32_t extents_per_call = 1024;
}  // namespace

// Asks for `count` extents; returns how many there were.
std::uint32_t GuestMemory::populate_extents(std::uint32_t first, std::uint32_t count, unsigned order)
{
    auto list = need(xen::CallBuffer<xen_pfn_t>::make(count), "memory for a list of frames");
    for (std::uint32_t i = 0; i < count; ++i)
        list[i] = first + (i << order);
    xen_memory_reservation reservation{
        .extent_start = list.data(), .nr_extents = count, .extent_order = order, .mem_flags = 0, .domid = domain_};
    auto done = hypervisor_.call_with(__HYPERVISOR_memory_op, XENMEM_populate_physmap, reservation).value_or(0);
    for (std::uint32_t i = 0; i < done; ++i)
        for (std::uint32_t page = 0; page < 1u << order; ++page)
            p2m_[first + (i << order) + page] = list[i] + page;
    return done;
}

void GuestMemory::populate(std::uint32_t pages)
{
    p2m_.assign(pages, 0);
    unsigned order = large_order;
    for (std::uint32_t at = 0; at < pages;) {
        auto wanted = std::min((pages - at) >> order, extents_per_call);
        auto given = wanted ? populate_extents(at, wanted, order) : 0;
        at += given << order;
        if (given == wanted && wanted != 0)
            continue;
        if (order == 0)
            throw Failure{"the machine has not enough free memory: " + std::to_string(at >> 8) + " of "
                          + std::to_string(pages >> 8) + " MB are there (pvctl info)"};
        order = 0;
    }
}

std::byte *GuestMemory::window_at(std::uint32_t pfn)
{
    if (window_ && pfn - window_first_ < window_.bytes() / page_size)
        return window_.as() + (pfn - window_first_) * page_size;
    close_window();
    window_first_ = pfn / window_pages * window_pages;
    auto count = std::min<std::size_t>(window_pages, p2m_.size() - window_first_);
    window_ = need(hypervisor_.map_foreign(domain_, std::span{p2m_}.subspan(window_first_, count), PROT_READ | PROT_WRITE),
                   "the new domain's memory cannot be mapped");
    return window_.as() + (pfn - window_first_) * page_size;
}

void *GuestMemory::page(std::uint32_t pfn) { return window_at(pfn); }

void GuestMemory::fill(std::uint32_t pfn, std::uint32_t offset, std::size_t bytes,
                       std::function<void(std::span<std::byte>)> const &write)
{
    pfn += offset >> page_shift;
    offset &= ~page_mask;
    while (bytes != 0) {
        auto at = window_at(pfn) + offset;
        auto left = static_cast<std::size_t>(window_.as() + window_.bytes() - at);
        auto piece = std::min(bytes, left);
        write({at, piece});
        bytes -= piece;
        pfn += static_cast<std::uint32_t>((offset + piece) >> page_shift);
        offset = 0;
    }
}

void GuestMemory::copy(std::uint32_t pfn, std::uint32_t offset, void const *from, std::size_t bytes)
{
    auto in = static_cast<std::byte const *>(from);
    fill(pfn, offset, bytes, [&](std::span<std::byte> piece) {
        std::memcpy(piece.data(), in, piece.size());
        in += piece.size();
    });
}
