// SPDX-License-Identifier: MIT
// The hypervisor's command line: words with blanks between, "name" or "name=value".
#pragma once
#include <cstring>

namespace hv {
// What follows "name=" ("" for a bare "name"), up to the end of the line: the caller stops at a blank. nullptr: not there.
inline char const *find_option(char const *line, char const *name)
{
    std::size_t length = std::strlen(name);
    for (char const *at = line; at && *at;) {
        while (*at == ' ')
            ++at;
        if (!std::strncmp(at, name, length)) {
            if (at[length] == '=')
                return at + length + 1;
            if (at[length] == 0 || at[length] == ' ')
                return "";
        }
        at = std::strchr(at, ' ');
    }
    return nullptr;
}
inline bool has_option(char const *line, char const *name) { return find_option(line, name) != nullptr; }
}  // namespace hv
