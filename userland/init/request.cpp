// SPDX-License-Identifier: MIT
#include "init.hpp"
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace init {
bool read_run_request(RunRequest &request)
{
    std::ifstream file("/etc/lodger/run", std::ios::binary);
    if (!file)
        return false;
    std::string const text{std::istreambuf_iterator<char>{file}, {}};
    std::vector<std::string> fields;
    for (std::size_t at = 0; at < text.size();) {
        auto end = text.find('\0', at);
        if (end == std::string::npos)
            end = text.size();
        fields.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    if (fields.size() < 6)
        return false;
    request.terminal = fields[0] == "tty";
    request.rows = static_cast<unsigned short>(std::atoi(fields[1].c_str()));
    request.columns = static_cast<unsigned short>(std::atoi(fields[2].c_str()));
    request.directory = fields[3];
    auto count = static_cast<std::size_t>(std::atoi(fields[4].c_str()));
    if (count == 0 || fields.size() < 5 + count)
        return false;
    request.arguments.assign(fields.begin() + 5, fields.begin() + 5 + static_cast<std::ptrdiff_t>(count));
    request.environment.assign(fields.begin() + 5 + static_cast<std::ptrdiff_t>(count), fields.end());
    return true;
}
}  // namespace init
