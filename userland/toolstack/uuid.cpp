// SPDX-License-Identifier: MIT
#include <cctype>
#include <cstdio>
#include <sys/random.h>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/uuid.hpp>

std::optional<Uuid> parse_uuid(std::string_view text)
{
    Uuid uuid{};
    if (text.size() != 36)
        return std::nullopt;
    unsigned digits = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        auto c = static_cast<unsigned char>(text[i]);
        if (dash ? c != '-' : !std::isxdigit(c))
            return std::nullopt;
        if (dash)
            continue;
        auto value = std::isdigit(c) ? c - '0' : std::tolower(c) - 'a' + 10;
        auto &byte = uuid[digits++ / 2];
        byte = static_cast<std::uint8_t>(byte << 4 | value);
    }
    return uuid;
}

std::string text_of(Uuid const &uuid)
{
    std::string text;
    for (std::size_t i = 0; i < uuid.size(); ++i) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", uuid[i]);
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text += '-';
        text += digits;
    }
    return text;
}

Uuid random_uuid()
{
    Uuid uuid;
    if (getrandom(uuid.data(), uuid.size(), 0) != static_cast<ssize_t>(uuid.size()))
        fail("no random numbers for a UUID", last_error());
    uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x40);
    uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);
    return uuid;
}
