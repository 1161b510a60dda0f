// SPDX-License-Identifier: MIT
// Names of nodes, as xenstore's protocol defines them:
//
//     path     "/", or one or more of "/name"; a name is one or more of A-Z a-z 0-9 - _ @ +
//     special  "@introduceDomain", "@releaseDomain": events of the daemon's own, not nodes of the tree
//
// A client may send a path without its leading slash: it is then below /local/domain/<its own number>.
#pragma once
#include <cstdint>
#include <lib/result.hpp>
#include <pv/abi.h>
#include <string>
#include <string_view>

namespace xenstore {
// Bytes, without the final NUL.
inline constexpr std::size_t max_path = 3071, max_relative_path = 2047;
inline constexpr std::string_view introduce_domain = "@introduceDomain", release_domain = "@releaseDomain";

bool valid_path(std::string_view absolute);
inline bool is_special(std::string_view path) { return !path.empty() && path[0] == '@'; }
std::string home_of(domid_t);  // "/local/domain/<n>"

// The absolute form of what a client sent. Error::inval: it is no path.
Result<std::string> absolute_path(std::string_view sent, domid_t sender);

// "/" for a name in the root; of "/" itself "".
std::string_view parent_of(std::string_view path);
std::string_view leaf_of(std::string_view path);
// Is `path` in the tree below `ancestor`, and not that itself?
bool is_below(std::string_view path, std::string_view ancestor);
// How many names `path` is below `ancestor`: 0 for itself. Precondition: it is it, or is below it.
unsigned depth_below(std::string_view path, std::string_view ancestor);

// Orders a node before all that is below it, and that before its next sibling ('/' sorts first).
struct TreeOrder {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const;
};
}  // namespace xenstore
