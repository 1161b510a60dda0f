// SPDX-License-Identifier: MIT
// xenstore between two ends in one process: domain 1, whose folder "device" is, and domain 0, whose folder "backend" is. Nothing is told
// before the test lets it: what a watch's callback then reads is what has become of it meanwhile, as with the real one.
#pragma once
#include <cstdint>
#include <map>
#include <string>

namespace world {
struct Store {
    std::map<std::string, std::string> nodes;  // by absolute path
    void set(std::string const &path, std::string const &value);
    void remove(std::string const &path);  // with everything below
    bool tell_next();  // one change, or one piece of work for the watch thread; false: there is none
    std::string at(std::string const &path) const
    {
        auto n = nodes.find(path);
        return n == nodes.end() ? "" : n->second;
    }
};
extern Store store;
}  // namespace world
