// SPDX-License-Identifier: MIT
// Guest memory as the hypervisor may touch it: through the guest's own current page tables, below the hole only, with a
// fault caught by the exception table (hv/entry.S). Read once into a local, check, then use: the guest can change its memory
// between two reads.
#pragma once
#include <cstddef>
#include <cstdint>
#include <hv/layout.hpp>
#include <type_traits>

namespace hv {
// Number of bytes NOT copied: 0 is success. Any address at or above hypervisor_virt_start counts as a fault.
[[nodiscard]] std::size_t copy_from_guest(void *dst, std::uint32_t guest_address, std::size_t bytes);
[[nodiscard]] std::size_t copy_to_guest(std::uint32_t guest_address, void const *src, std::size_t bytes);

template <class T>
[[nodiscard]] bool read_guest(T &value, std::uint32_t guest_address)
{
    static_assert(std::is_trivially_copyable_v<T>);
    return copy_from_guest(&value, guest_address, sizeof value) == 0;
}
template <class T>
[[nodiscard]] bool write_guest(std::uint32_t guest_address, T const &value)
{
    static_assert(std::is_trivially_copyable_v<T>);
    return copy_to_guest(guest_address, &value, sizeof value) == 0;
}
// The address in a XEN_GUEST_HANDLE_64; one above 4 GiB is a bad pointer to everybody.
template <class Handle>
constexpr std::uint32_t handle_address(Handle const &handle)
{
    return handle.q >> 32 ? ~0u : static_cast<std::uint32_t>(handle.q);
}
// True if [address, address + count * size) lies below hypervisor_virt_start and does not wrap. The size is a constant, not 0.
constexpr bool guest_range_ok(std::uint32_t address, std::uint64_t count, std::uint32_t size)
{
    return count <= hypervisor_virt_start / size
        && address <= hypervisor_virt_start - static_cast<std::uint32_t>(count) * size;
}
static_assert(guest_range_ok(hypervisor_virt_start - 16, 2, 8) && !guest_range_ok(hypervisor_virt_start - 15, 2, 8));
static_assert(!guest_range_ok(16, 0x2000'0000, 8) && !guest_range_ok(0, 1ull << 32, 1));
}  // namespace hv
