// SPDX-License-Identifier: MIT
// A transfer with memory of its own, and how often it ended.
#pragma once
#include "world.hpp"
#include <cstring>
#include <kernel/block/block_device.hpp>
#include <kernel/memory/frames.hpp>
#include <string>
#include <vector>

struct TestIo {
    kernel::BlockIo io;
    std::vector<kernel::BlockSegment> segments;
    unsigned ended = 0;

    TestIo(kernel::BlockOp op, std::uint64_t sector, unsigned pages, std::string const &data = {})
    {
        for (unsigned i = 0; i < pages; ++i) {
            segments.push_back({kernel::allocate_zeroed_frame().take(), 0, page_size});
            if (!data.empty())
                std::memcpy(kernel::frame_address(segments[i].frame), data.data() + i * page_size, page_size);
        }
        io.op = op;
        io.sector = sector;
        io.sectors = pages * (page_size / kernel::sector_bytes);
        io.segments = segments.data();
        io.segment_count = pages;
        io.context = this;
        io.done = [](kernel::BlockIo &done) { ++static_cast<TestIo *>(done.context)->ended; };
    }
    ~TestIo()
    {
        for (auto &s : segments)
            kernel::unref_frame(s.frame);
    }
    TestIo(TestIo const &) = delete;
    TestIo &operator=(TestIo const &) = delete;
    std::string data() const
    {
        std::string all;
        for (auto &s : segments)
            all.append(static_cast<char const *>(kernel::frame_address(s.frame)), page_size);
        return all;
    }
};
