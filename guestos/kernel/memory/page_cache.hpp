// SPDX-License-Identifier: MIT
// The pages of a file: read(2), write(2) and mmap(2) of one inode all see the same frames. tmpfs keeps its only copy here; a
// block file system fills and writes back through the two virtual functions.
#pragma once
#include <kernel/memory/address_space.hpp>
#include <kernel/memory/user.hpp>

namespace kernel {
class PageCache : public MemoryObject {
public:
    ~PageCache() override;
    Result<Pfn> page(std::uint32_t index, bool for_write) override;
    void page_dirtied(std::uint32_t index) override;

    // Copies between the cache and a buffer within [position, size()). write() beyond extends after grow().
    Result<std::size_t> read(IoBuffer &, std::uint64_t position, std::uint64_t size);
    Result<std::size_t> write(IoBuffer &, std::uint64_t position, std::uint64_t end_limit);
    void truncate(std::uint64_t size);         // drops pages beyond, zeroes the tail of the last, unmaps them from processes
    void punch(std::uint64_t start, std::uint64_t end);
    std::uint32_t resident() const { return resident_; }
    virtual std::uint64_t size() const = 0;    // bytes, as mmap's SIGBUS rule needs it

protected:
    virtual Result<> fill(std::uint32_t index, Pfn);      // default: zeroes (tmpfs)
    virtual Result<> write_back(std::uint32_t index, Pfn) { (void)index; return {}; }

private:
    friend struct PageCacheImpl;
    void *pages_ = nullptr;                    // index -> frame
    std::uint32_t resident_ = 0;
};
}    // namespace kernel
