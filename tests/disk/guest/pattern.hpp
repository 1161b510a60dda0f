// SPDX-License-Identifier: MIT
// Contents that say what they are: 16 bytes each, "SEED:OFFSET....\n", so that every byte of a file can be known by its place.
#pragma once
#include <cstdio>
#include <string>

inline std::string pattern(unsigned seed, unsigned long from, unsigned long bytes)
{
    std::string s;
    for (auto line = from / 16; s.size() < bytes + from % 16; ++line) {
        char text[32];
        std::snprintf(text, sizeof text, "%06x:%08lx\n", seed & 0xffffff, line);
        s += text;
    }
    return s.substr(from % 16, bytes);
}
