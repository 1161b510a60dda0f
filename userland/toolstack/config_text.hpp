// SPDX-License-Identifier: MIT
// The syntax of guest files, as xl.cfg(5) defines it:
//
//     # a comment
//     name = "web"; memory = 64          pairs end with a line or a semicolon
//     disk = [ 'phy:/dev/vda,xvda,w',    strings in either kind of quotes; numbers decimal, 0x..., 0...
//              "..." ]                   lists, over several lines, nested if need be
//     extra += " quiet"                  adds to a string or a list
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace config {
struct Value;
using List = std::vector<Value>;
struct Value : std::variant<std::string, std::int64_t, List> {
    using variant::variant;
    std::string const *text() const { return std::get_if<std::string>(this); }
    std::int64_t const *number() const { return std::get_if<std::int64_t>(this); }
    List const *list() const { return std::get_if<List>(this); }
};

struct Setting {
    std::string key;
    Value value;
    std::string place;  // "FILE:LINE"
};

// In the order of the file; a key that is set twice has its last value. Failure: "FILE:LINE: ..." says what is wrong there.
std::vector<Setting> parse(std::string_view text, std::string const &file);
// A word of a command line, whose quotes a shell has taken: KEY=VALUE with quotes round a VALUE that is no number, list or string.
std::string from_word(std::string_view word);
}  // namespace config
