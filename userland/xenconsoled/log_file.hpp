// SPDX-License-Identifier: MIT
// A guest's console on file: NAME.log, and what was in it before it became too long, NAME.log.1.
#pragma once
#include <string>
#include <string_view>
#include <userland/common/fd.hpp>

namespace console {
class LogFile {
public:
    LogFile() = default;  // writes nothing
    LogFile(std::string path, std::size_t most);
    void write(std::string_view bytes);

private:
    void open();
    std::string path_;
    std::size_t most_ = 0, size_ = 0;
    Fd file_;
};
}  // namespace console
