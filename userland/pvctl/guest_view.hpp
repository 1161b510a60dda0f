// SPDX-License-Identifier: MIT
// A domain's memory by its own virtual addresses, through its page tables.
#pragma once
#include <lib/addr.hpp>
#include <map>
#include <optional>
#include <userland/xen/hypervisor.hpp>

class GuestView {
public:
    // `root`: its L3 table's machine frame.
    GuestView(xen::Hypervisor &hypervisor, domid_t domain, xen_pfn_t root)
        : hypervisor_{hypervisor}, domain_{domain}, root_{root}
    {
    }
    // None: nothing is mapped there, or not its own.
    std::optional<std::uint32_t> word(std::uint32_t address);

private:
    void const *page(xen_pfn_t frame);  // null: it cannot be mapped
    std::optional<xen_pfn_t> translate(std::uint32_t address);

    xen::Hypervisor &hypervisor_;
    domid_t domain_;
    xen_pfn_t root_;
    std::map<xen_pfn_t, Mapping> pages_;
};
