// SPDX-License-Identifier: MIT
#include <cstdio>
#include <userland/pvctl/json.hpp>

void Json::separate()
{
    if (after_key_) {
        after_key_ = false;
        return;
    }
    if (!first_)
        text_ += ',';
    if (depth_ != 0)
        text_ += '\n' + std::string(2 * depth_, ' ');
    first_ = false;
}

Json &Json::open(char bracket)
{
    separate();
    text_ += bracket;
    ++depth_;
    first_ = true;
    return *this;
}

Json &Json::close(char bracket)
{
    --depth_;
    if (!first_)
        text_ += '\n' + std::string(2 * depth_, ' ');
    text_ += bracket;
    first_ = false;
    return *this;
}

Json &Json::key(std::string_view name)
{
    value(name);
    text_ += ": ";
    after_key_ = true;
    return *this;
}

Json &Json::value(std::string_view text)
{
    separate();
    text_ += '"';
    for (unsigned char c : text) {
        char escaped[8];
        if (c == '"' || c == '\\') {
            text_ += '\\';
            text_ += static_cast<char>(c);
        } else if (c < 0x20) {
            std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
            text_ += escaped;
        } else {
            text_ += c < 0x7f ? static_cast<char>(c) : '?';
        }
    }
    text_ += '"';
    return *this;
}

Json &Json::value(bool b)
{
    separate();
    text_ += b ? "true" : "false";
    return *this;
}

Json &Json::value(std::uint64_t n)
{
    separate();
    text_ += std::to_string(n);
    return *this;
}

Json &Json::decimal(double n, int digits)
{
    separate();
    char text[40];
    std::snprintf(text, sizeof text, "%.*f", digits, n);
    text_ += text;
    return *this;
}

Json &Json::hex(std::uint64_t n)
{
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(n));
    return value(text);
}

void Json::print() const
{
    std::fwrite(text_.data(), 1, text_.size(), stdout);
    std::fputc('\n', stdout);
}
