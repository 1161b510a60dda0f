// SPDX-License-Identifier: MIT
// The kernel's doors, as far as the tested parts of arch/ use them: frames, and user memory.
#pragma once
#include <cstdint>
#include <lib/addr.hpp>
#include <vector>

struct Frames {
    static void reset(unsigned limit = ~0u);  // at most `limit` frames can be had
    static unsigned in_use();
};

// User memory for the signal tests: one range, everything else faults.
struct UserMemory {
    static void reset(Vaddr base, std::size_t bytes);
    static std::uint8_t *at(Vaddr);
};
