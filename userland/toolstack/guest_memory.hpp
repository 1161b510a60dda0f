// SPDX-License-Identifier: MIT
// The memory of a domain that is being built: frames given to it, and a window through which its builder writes them.
#pragma once
#include <functional>
#include <lib/addr.hpp>
#include <span>
#include <userland/xen/hypervisor.hpp>
#include <vector>

class GuestMemory {
public:
    GuestMemory(xen::Hypervisor &hypervisor, domid_t domain) : hypervisor_{hypervisor}, domain_{domain} {}

    // Gives the domain frames for its first `pages` pseudo-physical frames. They are all zero. Failure: there are not so many.
    void populate(std::uint32_t pages);
    std::vector<xen_pfn_t> const &p2m() const { return p2m_; }
    Mfn frame(std::uint32_t pfn) const { return Mfn{p2m_[pfn]}; }

    // One page, as long as no other is asked for.
    void *page(std::uint32_t pfn);
    // Calls fill(piece) for the pieces, one after the other, in which `bytes` bytes from a pseudo-physical address on can be written.
    void fill(std::uint32_t pfn, std::uint32_t offset, std::size_t bytes,
              std::function<void(std::span<std::byte>)> const &);
    void copy(std::uint32_t pfn, std::uint32_t offset, void const *from, std::size_t bytes);
    // No mapping of ours is left.
    void close_window() { window_ = {}; }

private:
    static constexpr std::uint32_t window_pages = 1024;
    std::byte *window_at(std::uint32_t pfn);
    std::uint32_t populate_extents(std::uint32_t first, std::uint32_t count, unsigned order);

    xen::Hypervisor &hypervisor_;
    domid_t domain_;
    std::vector<xen_pfn_t> p2m_;
    Mapping window_;
    std::uint32_t window_first_ = 0;
};
