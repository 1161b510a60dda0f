// SPDX-License-Identifier: MIT
#include <hv/module_reader.hpp>
#include <hv/multiboot.hpp>

namespace hv {
bool ModuleReader::read(void *to, std::uint64_t offset, std::uint32_t bytes) const
{
    if (offset > module_.bytes || bytes > module_.bytes - offset)
        return false;
    read_machine(to, module_.start + offset, bytes);
    return true;
}
}  // namespace hv
