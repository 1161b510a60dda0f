// SPDX-License-Identifier: MIT
#include <cstring>
#include <lib/x86/pte.hpp>
#include <userland/pvctl/guest_view.hpp>

void const *GuestView::page(xen_pfn_t frame)
{
    constexpr std::size_t most_pages = 256;  // mapped at a time
    auto at = pages_.find(frame);
    if (at == pages_.end()) {
        xen_pfn_t const frames[] = {frame};
        auto mapping = hypervisor_.map_foreign(domain_, frames, PROT_READ);
        if (!mapping.ok())
            return nullptr;
        if (pages_.size() >= most_pages)
            pages_.clear();
        at = pages_.emplace(frame, mapping.take()).first;
    }
    return at->second.as();
}

std::optional<xen_pfn_t> GuestView::translate(std::uint32_t address)
{
    auto frame = root_;
    for (auto level : {Level::l3, Level::l2, Level::l1}) {
        auto table = static_cast<Pte const *>(page(frame));
        if (!table)
            return std::nullopt;
        auto entry = table[table_index(level, Vaddr{address})];
        if (!entry.present())
            return std::nullopt;
        frame = entry.frame().raw();
        if (level == Level::l2 && entry.has(Pte::PS))
            return frame + (address >> page_shift & 511);
    }
    return frame;
}

std::optional<std::uint32_t> GuestView::word(std::uint32_t address)
{
    auto frame = address % 4 == 0 ? translate(address) : std::nullopt;
    auto bytes = frame ? static_cast<std::byte const *>(page(*frame)) : nullptr;
    if (!bytes)
        return std::nullopt;
    std::uint32_t word;
    std::memcpy(&word, bytes + (address & ~page_mask), sizeof word);
    return word;
}
