// SPDX-License-Identifier: MIT
// Page tables as the memory tests handle them. All tables that exist at the start are mapped read-only in the start-of-day region.
#pragma once
#include "guest.hpp"

namespace mmu {
enum : std::uint64_t { P = 1, RW = 2, US = 4, PWT = 8, PCD = 16, A = 32, D = 64, PS = 128, G = 256, NX = 1ull << 63 };
constexpr std::uint32_t base = 0xc0000000;
inline std::uint32_t const *const m2p = reinterpret_cast<std::uint32_t const *>(0xf5800000);

constexpr std::uint64_t entry(std::uint32_t mfn, std::uint64_t bits) { return std::uint64_t{mfn} << 12 | bits; }
constexpr std::uint32_t frame(std::uint64_t entry) { return static_cast<std::uint32_t>(entry >> 12 & 0xffffff); }
inline std::uint64_t const *table(std::uint32_t mfn)
{
    return reinterpret_cast<std::uint64_t const *>(static_cast<std::uintptr_t>(base + (m2p[mfn] << 12)));
}
inline std::uint32_t root() { return mfn_of(reinterpret_cast<void *>(static_cast<std::uintptr_t>(info->pt_base))); }
inline std::uint32_t l2_of(void const volatile *p) { return frame(table(root())[word(p) >> 30]); }
inline std::uint32_t l1_of(void const volatile *p) { return frame(table(l2_of(p))[word(p) >> 21 & 511]); }
// Machine addresses of entries.
constexpr std::uint64_t slot(std::uint32_t mfn, unsigned index) { return (std::uint64_t{mfn} << 12) + index * 8; }
inline std::uint64_t l1_slot(void const volatile *p) { return slot(l1_of(p), word(p) >> 12 & 511); }
inline std::uint64_t l2_slot(void const volatile *p) { return slot(l2_of(p), word(p) >> 21 & 511); }
inline std::uint64_t l1_entry(void const volatile *p) { return table(l1_of(p))[word(p) >> 12 & 511]; }

inline std::int32_t update(std::uint64_t ptr, std::uint64_t val, std::uint32_t domain = DOMID_SELF)
{
    mmu_update u{ptr, val};
    return hypercall(__HYPERVISOR_mmu_update, &u, 1, 0, domain);
}
template <class T>
std::int32_t extended(std::uint32_t cmd, T first, std::uint32_t second = 0, std::uint32_t domain = DOMID_SELF)
{
    mmuext_op op{};
    op.cmd = cmd;
    op.arg1.mfn = word(first);
    op.arg2.nr_ents = second;
    return hypercall(__HYPERVISOR_mmuext_op, &op, 1, 0, domain);
}
inline std::int32_t map(void const volatile *at, std::uint64_t pte, std::uint32_t flags = UVMF_INVLPG)
{
    return hypercall(__HYPERVISOR_update_va_mapping, at, static_cast<std::uint32_t>(pte),
                     static_cast<std::uint32_t>(pte >> 32), flags);
}
inline void refused(char const *what, std::int32_t result)
{
    if (result >= 0)
        failure("%s: gave %d, must be refused", what, result);
}
inline bool writes_fault(void const volatile *p)
{
    return faults([p] { *static_cast<std::uint32_t volatile *>(const_cast<void volatile *>(p)) = 1; }).vector == 14;
}
}  // namespace mmu
