// SPDX-License-Identifier: MIT
// Memory that a driver shares with its device for long: zeroed, contiguous for both, given back with the object. After the
// device was reset, that is: a device writes where it was told to, whoever owns the frames by then.
#pragma once
#include <arch/device.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace dma {
class Memory {
public:
    Memory() = default;
    Memory(Memory const &) = delete;
    Memory &operator=(Memory const &) = delete;
    ~Memory() { release(); }

    Result<> allocate(std::uint32_t bytes);  // Error::nomem. Whole pages; inside one page if they fit
    void release();
    void *address(std::uint32_t offset = 0) const;
    Maddr device_address(std::uint32_t offset = 0) const { return arch::dma_address(address()) + offset; }

private:
    Pfn first_ = no_pfn;
    unsigned order_ = 0;
};
}  // namespace dma
