// SPDX-License-Identifier: MIT
// Folders that have to be there, with all above them.
#pragma once
#include <cerrno>
#include <lib/result.hpp>
#include <string>
#include <sys/stat.h>

inline Result<> make_folders(std::string const &path)
{
    for (auto end = path.find('/', 1);; end = path.find('/', end + 1)) {
        if (mkdir(path.substr(0, end).c_str(), 0755) != 0 && errno != EEXIST)
            return static_cast<Error>(errno);
        if (end == std::string::npos)
            return {};
    }
}
