// SPDX-License-Identifier: MIT
// The kernel's command line: our options, and what is left for init as argument (word) or environment (key=value).
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kernel {
struct CommandLine {
    static constexpr unsigned max_words = 64;
    char const *init = nullptr;  // init=PATH
    bool quiet = false;
    int log_level = 7;  // loglevel=N
    char const *arguments[max_words + 1] = {};
    char const *environment[max_words + 1] = {};
    char text[2048] = {};  // the words point in here
};
// Words are separated by blanks; double quotes keep blanks in a word. What follows "--" goes to init unread.
void parse_command_line(char const *text, CommandLine &out);
// The value of the first word that begins with `key` ("root="); empty: there is none.
std::string_view option_value(std::string_view key);
std::uint32_t number_option(std::string_view key);  // decimal; 0 if there is none
bool has_option(std::string_view word);
// As it was given: /proc/cmdline.
char const *command_line();
}  // namespace kernel
