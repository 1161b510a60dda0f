// SPDX-License-Identifier: MIT
// Writes JSON (RFC 8259), indented, as it goes along:
//
//     Json json;
//     json.open('{');
//     json.key("name").value("web");
//     json.key("list").open('[').value(1).value(2).close(']');
//     json.close('}').print();
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

class Json {
public:
    Json &open(char bracket);   // '{', '['
    Json &close(char bracket);  // '}', ']'
    Json &key(std::string_view);
    Json &value(std::string_view);
    Json &value(char const *text) { return value(std::string_view{text}); }
    Json &value(bool);
    Json &value(std::uint64_t);
    Json &value(std::uint32_t n) { return value(std::uint64_t{n}); }
    Json &value(int n) { return value(static_cast<std::uint64_t>(n)); }  // not negative
    Json &decimal(double, int digits);
    Json &hex(std::uint64_t);  // a string, "0x..."
    // Bytes that have no meaning as UTF-8 become '?'.
    std::string const &text() const { return text_; }
    void print() const;  // on standard output, with a new line

private:
    void separate();
    std::string text_;
    unsigned depth_ = 0;
    bool first_ = true, after_key_ = false;
};
