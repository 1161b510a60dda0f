// SPDX-License-Identifier: MIT
// The rest of arch::Mmu: flushing, roots, the kernel's part of an address space.
#include <arch/mmu.hpp>
#include <boot_tables.hpp>

namespace arch {
constinit Mmu the_mmu;

void Mmu::invalidate(Vaddr v)
{
    if (stale_ < few)
        stale_pages_[stale_++] = v;
    else
        stale_ = everything;
}

Result<> Mmu::commit()
{
    if (stale_ == everything)
        x86::write_cr3(x86::read_cr3());
    else
        for (unsigned i = 0; i < stale_; ++i)
            x86::invlpg(stale_pages_[i].raw());
    stale_ = 0;
    return {};
}

Result<> Mmu::load_root(Pfn root, Pfn)
{
    if (loaded_ == root)
        return {};
    loaded_ = root;
    return reload_root();
}

// The processor reads the four entries of the root when CR3 is loaded, SDM Vol. 3A, 4.4.1.
Result<> Mmu::reload_root()
{
    stale_ = 0;
    x86::write_cr3(loaded_.raw() << page_shift);
    return {};
}

// One table of the kernel's part serves every address space: it never changes after boot.
Result<> Mmu::attach_kernel(Pfn root)
{
    auto own = static_cast<Pte const *>(frame_ptr(kernel_root()));
    auto table = static_cast<Pte *>(frame_ptr(root));
    set(&table[3], own[3]);
    return {};
}

void Mmu::detach_kernel(Pfn root) { set(&static_cast<Pte *>(frame_ptr(root))[3], Pte{}); }

Pte *Mmu::kernel_slot(Vaddr v)
{
    auto l2 = boot_tables().kernel_l2[table_index(Level::l2, v)];
    return &static_cast<Pte *>(frame_ptr(to_pseudo(l2.frame())))[table_index(Level::l1, v)];
}

Pfn Mmu::kernel_root() { return boot_tables().root; }

std::uint64_t Mmu::no_execute() { return boot_tables().no_execute; }

std::uint64_t Mmu::global() { return Pte::G; }
}  // namespace arch
