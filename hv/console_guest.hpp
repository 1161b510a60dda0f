// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <hv/domain.hpp>

namespace hv {
void guest_console_init(char const *command_line);
std::int32_t guest_console_write(std::uint32_t buffer, std::uint32_t count);  // of the current domain, which is unprivileged
void free_guest_console(Domain &);
}  // namespace hv
