// SPDX-License-Identifier: MIT
// What happened to a node, for those who watch it.
#pragma once
#include <userland/xenstored/tree.hpp>

namespace xenstore {
struct Change {
    enum class Kind : std::uint8_t {
        asked_for,        // the node that a request names
        made_on_the_way,  // a missing parent of it
        removed_with,     // a node below the one that a request removes
    };
    std::string path;
    ContentRef before, after;  // null: it did not, does not exist
    Kind kind;
};
}  // namespace xenstore
