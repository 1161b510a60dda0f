// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <kernel/command_line.hpp>
#include <string_view>

namespace kernel {
namespace {
// The next word of [at, ...), NUL-terminated in place and without its quotes; nullptr: none.
char *next_word(char *&at)
{
    while (*at == ' ' || *at == '\t' || *at == '\n')
        ++at;
    if (!*at)
        return nullptr;
    char *word = at, *to = at;
    bool quoted = false;
    for (; *at && (quoted || (*at != ' ' && *at != '\t' && *at != '\n')); ++at) {
        if (*at == '"')
            quoted = !quoted;
        else
            *to++ = *at;
    }
    if (*at)
        ++at;
    *to = 0;
    return word;
}

bool is_known_elsewhere(std::string_view word)  // read by boot loaders and drivers
{
    for (std::string_view prefix : {"console=", "root=", "rootfstype=", "rootflags=", "rootdelay=", "BOOT_IMAGE=",
                                    "initrd=", "ramdisk=", "xen_netfront.", "xen_netback."})
        if (word.starts_with(prefix))
            return true;
    return word == "ro" || word == "rw" || word == "rootwait";
}

void take_option(CommandLine &out, char const *word, unsigned &arguments, unsigned &variables)
{
    std::string_view w{word};
    if (w.starts_with("init=")) {
        out.init = word + 5;
    } else if (w == "quiet") {
        out.quiet = true;
        out.log_level = 4;
    } else if (w.starts_with("loglevel=") && w.size() == 10) {
        out.log_level = word[9] - '0';
    } else if (is_known_elsewhere(w)) {
        return;
    } else if (std::strchr(word, '=')) {
        if (variables < CommandLine::max_words)
            out.environment[variables++] = word;
    } else if (arguments < CommandLine::max_words) {
        out.arguments[arguments++] = word;
    }
}
// Calls f(word) for each word that is ours until it returns true.
template <class F>
bool any_word(F f)
{
    std::string_view rest{command_line()};
    for (;;) {
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t\n"), rest.size()));
        auto word = rest.substr(0, rest.find_first_of(" \t\n"));
        if (word.empty() || word == "--")
            return false;
        if (f(word))
            return true;
        rest.remove_prefix(word.size());
    }
}
}  // namespace

std::string_view option_value(std::string_view key)
{
    std::string_view value;
    (void)any_word([&](std::string_view word) {
        if (!word.starts_with(key))
            return false;
        value = word.substr(key.size());
        return true;
    });
    return value;
}

std::uint32_t number_option(std::string_view key)
{
    std::uint32_t n = 0;
    for (char c : option_value(key)) {
        if (c < '0' || c > '9' || n > 0xffff'ffff / 10)
            return 0;
        n = n * 10 + static_cast<std::uint32_t>(c - '0');
    }
    return n;
}

bool has_option(std::string_view wanted)
{
    return any_word([&](std::string_view word) { return word == wanted; });
}

void parse_command_line(char const *text, CommandLine &out)
{
    auto n = std::strlen(text);
    if (n >= sizeof out.text)
        n = sizeof out.text - 1;
    std::memcpy(out.text, text, n);
    unsigned arguments = 0, variables = 0;
    out.environment[variables++] = "HOME=/";
    out.environment[variables++] = "TERM=linux";
    char *at = out.text;
    bool ours = true;
    while (auto word = next_word(at)) {
        if (ours && std::strcmp(word, "--") == 0)
            ours = false;
        else if (ours)
            take_option(out, word, arguments, variables);
        else if (arguments < CommandLine::max_words)
            out.arguments[arguments++] = word;
    }
}
}  // namespace kernel
