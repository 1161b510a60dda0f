// SPDX-License-Identifier: MIT
// Boot modules as the bytes of a kernel's file (lib/pv/kernel_image.hpp).
#pragma once
#include <hv/memory.hpp>
#include <lib/pv/kernel_image.hpp>

namespace hv {
class ModuleReader final : public KernelBytes {
public:
    explicit ModuleReader(Module const &m) : module_{m} {}
    [[nodiscard]] bool read(void *to, std::uint64_t offset, std::uint32_t bytes) const override;
    std::uint32_t size() const override { return module_.bytes; }

private:
    Module const &module_;
};
}  // namespace hv
