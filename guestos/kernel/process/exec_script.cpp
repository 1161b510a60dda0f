// SPDX-License-Identifier: MIT
#include <kernel/process/exec.hpp>

namespace kernel {
namespace {
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
}  // namespace

// "#!", blanks, the interpreter, blanks, everything else up to the end of the line as one argument. A line that does not end
// within the bytes at hand is cut there, unless that would cut the interpreter's name.
Result<ScriptLine> parse_script_line(char *line, std::size_t n)
{
    if (n < 2 || line[0] != '#' || line[1] != '!')
        return Error::noexec;
    auto end = static_cast<char *>(std::memchr(line, '\n', n));
    bool cut = !end && n == script_line_bytes;
    if (!end)
        end = line + n;
    if (auto zero = static_cast<char *>(std::memchr(line, 0, static_cast<std::size_t>(end - line)))) {
        end = zero;
        cut = false;
    }
    char *name = line + 2;
    while (name < end && is_blank(*name))
        ++name;
    char *name_end = name;
    while (name_end < end && !is_blank(*name_end))
        ++name_end;
    if (name == name_end || (cut && name_end == end))
        return Error::noexec;
    while (end > name_end && is_blank(end[-1]))
        --end;
    char *argument = name_end;
    while (argument < end && is_blank(*argument))
        ++argument;
    *end = 0;
    ScriptLine result{name, argument < end ? argument : nullptr};
    *name_end = 0;
    return result;
}
}  // namespace kernel
