// SPDX-License-Identifier: MIT
#pragma once
#include <kernel/block/queued_disk.hpp>

namespace kernel {
class RamDisk final : public QueuedDisk {
public:
    static Result<Ref<RamDisk>> make(std::string_view name, std::uint32_t pages);
    RamDisk(std::string_view name, std::uint32_t) : QueuedDisk{name} {}
    ~RamDisk() override;

protected:
    bool issue(BlockRequest &) override;

private:
    template <class F>
    void each_piece(std::uint64_t sector, std::uint32_t bytes, F);
    std::unique_ptr<Pfn[]> frames_;
    std::uint32_t allocated_ = 0;
};
void ram_disk_init();
}  // namespace kernel
