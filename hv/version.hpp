// SPDX-License-Identifier: MIT
#pragma once

namespace hv {
void set_version_command_line(char const *line);  // XENVER_commandline; copied
}  // namespace hv
