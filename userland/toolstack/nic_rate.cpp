// SPDX-License-Identifier: MIT
#include <charconv>
#include <cstdint>
#include <userland/toolstack/nic_rate.hpp>

namespace {
constexpr std::uint64_t usual_interval_us = 50'000, longest_interval_us = 60'000'000;
constexpr std::uint64_t most_bits = 100'000'000'000;  // a second; times the longest interval it still fits 64 bits

// The number that the text begins with is taken off.
std::optional<std::uint64_t> take_number(std::string_view &text)
{
    std::uint64_t n = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || n == 0 || n > most_bits)
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return n;
}

// "Mb/s": how many bits a second one of it is. 0: no such unit.
std::uint64_t bits_of(std::string_view unit)
{
    std::uint64_t bits = 1;
    if (!unit.empty())
        switch (unit.front()) {
        case 'K': bits = 1'000; break;
        case 'M': bits = 1'000'000; break;
        case 'G': bits = 1'000'000'000; break;
        default: break;
        }
    if (bits > 1)
        unit.remove_prefix(1);
    return unit == "b/s" ? bits : unit == "B/s" ? bits * 8 : 0;
}

std::optional<std::uint64_t> interval_of(std::string_view text)
{
    auto n = take_number(text);
    auto unit = text.empty() || text == "us" ? 1u : text == "ms" ? 1'000u : text == "s" ? 1'000'000u : 0u;
    if (!n || unit == 0 || *n * unit > longest_interval_us)
        return std::nullopt;
    return *n * unit;
}
}  // namespace

std::optional<std::string> rate_for_store(std::string_view text, std::string &why)
{
    auto const whole = std::string{text};
    auto at = text.find('@');
    auto interval = at == text.npos ? std::optional{usual_interval_us} : interval_of(text.substr(at + 1));
    text = text.substr(0, at);
    auto n = take_number(text);
    auto bits = bits_of(text);
    if (!n || !bits || *n > most_bits / bits) {
        why = "the rate \"" + whole + "\" is not like 10Mb/s, 500KB/s or 1MB/s@20ms, of at most 100Gb/s";
    } else if (!interval) {
        why = "the interval of the rate \"" + whole + "\" is not like 20ms or 500us, of at most a minute";
    } else {
        if (auto bytes = *n * bits * *interval / 8 / 1'000'000)
            return std::to_string(bytes) + "," + std::to_string(*interval);
        why = "the rate \"" + whole + "\" is less than a byte in each interval: let the interval be longer";
    }
    return std::nullopt;
}
