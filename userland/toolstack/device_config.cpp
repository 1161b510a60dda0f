// SPDX-License-Identifier: MIT
#include <algorithm>
#include <span>
#include <userland/toolstack/device_config.hpp>
#include <userland/toolstack/device_nodes.hpp>
#include <userland/toolstack/nic_rate.hpp>

namespace {
std::string_view trimmed(std::string_view text)
{
    auto begin = text.find_first_not_of(" \t");
    if (begin == text.npos)
        return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string_view> words_of(std::string_view text)
{
    std::vector<std::string_view> words;
    for (std::size_t at = 0; at <= text.size();) {
        auto end = std::min(text.find(',', at), text.size());
        words.push_back(trimmed(text.substr(at, end - at)));
        at = end + 1;
    }
    return words;
}

bool set_access(DiskConfig &disk, std::string_view access)
{
    disk.writable = access == "w" || access == "rw";
    return disk.writable || access == "r" || access == "ro";
}

// "" or what is wrong.
std::string set_disk(DiskConfig &disk, std::string_view key, std::string_view value)
{
    if (key == "target")
        disk.target = value;
    else if (key == "vdev")
        disk.vdev = value;
    else if (key == "test-fail-read" || key == "test-fail-write")
        disk.faults[std::string{key}] = value;
    else if (key == "format" && value != "raw" && !value.empty())
        return "the format has to be raw";
    else if (key == "access" && !set_access(disk, value))
        return "the access has to be r, ro, w or rw";
    else if (key != "format" && key != "access" && key != "backendtype")
        return std::string{key} + " is no key of a disk: target, format, vdev, access are";
    return {};
}

std::string take_positions(DiskConfig &disk, std::vector<std::string_view> const &words)
{
    static constexpr std::string_view usual[] = {"target", "format", "vdev", "access"},
                                      older[] = {"target", "vdev", "access"};
    std::span<std::string_view const> order = usual;
    std::size_t position = 0;
    for (auto word : words) {
        auto equals = word.find('=');
        bool named = equals != word.npos && word.substr(0, equals).find('/') == word.npos;
        if (position == 0 && !named)
            for (std::string_view prefix : {"phy:", "file:"})
                if (word.starts_with(prefix)) {
                    word.remove_prefix(prefix.size());
                    order = older;
                }
        if (!named && position == order.size())
            return "there are too many words";
        auto why = named   ? set_disk(disk, word.substr(0, equals), word.substr(equals + 1))
            : word.empty() ? std::string{}
                           : set_disk(disk, order[position], word);
        position += !named;
        if (!why.empty())
            return why;
    }
    return {};
}
}  // namespace

std::optional<DiskConfig> parse_disk(std::string const &text, std::string &why)
{
    DiskConfig disk;
    why = take_positions(disk, words_of(text));
    if (why.empty() && disk.target.empty())
        why = "its target, a device or file of domain 0, is missing";
    if (why.empty() && !disk_number(disk.vdev))
        why = "its vdev has to be like xvda";
    return why.empty() ? std::optional{disk} : std::nullopt;
}

std::optional<NicConfig> parse_nic(std::string const &text, std::string &why)
{
    // The last two are netback's, for tests: thousandths of the packets that it loses, or lets change places.
    static constexpr std::string_view known[] = {"mac",
                                                 "bridge",
                                                 "ip",
                                                 "script",
                                                 "vifname",
                                                 "backend",
                                                 "rate",
                                                 "type",
                                                 "model",
                                                 "test-loss-permille",
                                                 "test-reorder-permille"};
    NicConfig nic;
    for (auto word : words_of(text)) {
        if (word.empty())
            continue;
        auto equals = word.find('=');
        auto key = word.substr(0, equals);
        if (equals == word.npos || std::find(std::begin(known), std::end(known), key) == std::end(known)) {
            why = std::string{word} + " is not KEY=VALUE with a key such as mac, bridge, ip";
            return std::nullopt;
        }
        nic.keys[std::string{key}] = word.substr(equals + 1);
    }
    if (auto rate = nic.keys.find("rate"); rate != nic.keys.end()) {
        auto of_store = rate_for_store(rate->second, why);
        if (!of_store)
            return std::nullopt;
        rate->second = *of_store;
    }
    return nic;
}
