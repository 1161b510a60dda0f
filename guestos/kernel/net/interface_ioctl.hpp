// SPDX-License-Identifier: MIT
// netdevice(7)'s ioctls, which every kind of socket answers.
#pragma once
#include <cstdint>
#include <lib/result.hpp>

namespace kernel::net {
// Error::notty: not one of them.
Result<std::int32_t> interface_ioctl(unsigned command, std::uint32_t argument);
}  // namespace kernel::net
