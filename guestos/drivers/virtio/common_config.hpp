// SPDX-License-Identifier: MIT
// The common configuration structure, Virtio 1.1, 4.1.4.3. For the transport itself.
#pragma once
#include <cstddef>
#include <cstdint>

namespace virtio {
struct CommonConfig {
    std::uint32_t device_feature_select, device_feature;
    std::uint32_t driver_feature_select, driver_feature;
    std::uint16_t config_msix_vector, num_queues;
    std::uint8_t device_status, config_generation;
    std::uint16_t queue_select;  // the fields below are those of this queue
    std::uint16_t queue_size, queue_msix_vector, queue_enable, queue_notify_off;
    std::uint32_t queue_descriptors[2], queue_available[2], queue_used[2];  // 64-bit addresses, low half first
};
static_assert(sizeof(CommonConfig) == 56 && offsetof(CommonConfig, queue_select) == 22);
static_assert(offsetof(CommonConfig, queue_descriptors) == 32);
inline constexpr std::uint16_t no_vector = 0xffff;

// The used ring lies behind the available ring in the same memory, aligned to 4 and on a cache line of its own.
constexpr std::uint32_t used_offset(unsigned size) { return (6 + 2 * size + 63) & ~63u; }
}  // namespace virtio
