// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cctype>
#include <charconv>
#include <userland/toolstack/config_text.hpp>
#include <userland/toolstack/failure.hpp>

namespace config {
namespace {
constexpr unsigned deepest = 8;

class Parser {
public:
    Parser(std::string_view text, std::string const &file) : rest_{text}, file_{file} {}

    std::vector<Setting> all()
    {
        std::vector<Setting> settings;
        for (;;) {
            skip(true);
            if (rest_.empty())
                return settings;
            if (take(';'))
                continue;
            one(settings);
            skip(false);
            if (!rest_.empty() && rest_[0] != '\n' && rest_[0] != ';')
                wrong("a new line or a semicolon has to end the setting before " + here());
        }
    }

private:
    [[noreturn]] void wrong(std::string const &what) const { throw Failure{place() + ": " + what}; }
    std::string place() const { return file_ + ":" + std::to_string(line_); }

    std::string here() const
    {
        if (rest_.empty())
            return "the end of the file";
        if (rest_[0] == '\n')
            return "the end of the line";
        return "'" + std::string{rest_.substr(0, rest_.find_first_of(" \t\r\n"))} + "'";
    }

    // Blanks and comments; new lines too, if they mean nothing here.
    void skip(bool lines)
    {
        while (!rest_.empty()) {
            char c = rest_[0];
            if (c == '#')
                rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
            else if (c == ' ' || c == '\t' || c == '\r' || (lines && c == '\n'))
                next();
            else
                return;
        }
    }
    char next()
    {
        char c = rest_[0];
        line_ += c == '\n';
        rest_.remove_prefix(1);
        return c;
    }
    bool take(std::string_view what)
    {
        if (!rest_.starts_with(what))
            return false;
        rest_.remove_prefix(what.size());
        return true;
    }
    bool take(char c) { return take(std::string_view{&c, 1}); }

    void one(std::vector<Setting> &settings)
    {
        auto begin = place();
        std::string key;
        while (!rest_.empty()
               && (std::isalnum(static_cast<unsigned char>(rest_[0])) || rest_[0] == '_' || rest_[0] == '-'))
            key += next();
        if (key.empty())
            wrong("a setting begins with its name, not with " + here());
        skip(false);
        bool adds = take("+=");
        if (!adds && !take('='))
            wrong("after " + key + " there has to be an =, not " + here());
        skip(false);
        store(settings, key, value(0), adds, begin);
    }

    void store(std::vector<Setting> &settings, std::string const &key, Value value, bool adds, std::string const &begin)
    {
        auto at = std::find_if(settings.begin(), settings.end(), [&](Setting const &s) { return s.key == key; });
        if (at == settings.end()) {
            settings.push_back({key, std::move(value), begin});
        } else if (!adds) {
            *at = {key, std::move(value), begin};
        } else if (at->value.text() && value.text()) {
            std::get<std::string>(at->value) += *value.text();
        } else if (at->value.list() && value.list()) {
            auto &list = std::get<List>(at->value);
            list.insert(list.end(), value.list()->begin(), value.list()->end());
        } else {
            wrong("+= adds a string to a string or a list to a list: " + key + " is something else");
        }
    }

    Value value(unsigned depth)
    {
        if (rest_.empty())
            wrong("a value is missing");
        if (rest_[0] == '"' || rest_[0] == '\'')
            return string(next());
        if (rest_[0] == '[' && depth < deepest)
            return list(depth);
        if (std::isdigit(static_cast<unsigned char>(rest_[0])) || rest_[0] == '-')
            return number();
        wrong(here() + " is no value: a string has quotes round it, a number begins with a digit, a list with [");
    }

    Value list(unsigned depth)
    {
        List values;
        next();
        for (;;) {
            skip(true);
            if (take(']'))
                return values;
            values.push_back(value(depth + 1));
            skip(true);
            if (!take(',') && (rest_.empty() || rest_[0] != ']'))
                wrong("between the values of a list there are commas, and at its end a ], not " + here());
        }
    }

    Value number()
    {
        auto word = rest_.substr(0, rest_.find_first_of(" \t\r\n,;]#"));
        auto digits = word;
        bool negative = digits.starts_with('-');
        digits.remove_prefix(negative);
        int base = 10;
        if (digits.starts_with("0x") || digits.starts_with("0X")) {
            base = 16;
            digits.remove_prefix(2);
        } else if (digits.size() > 1 && digits[0] == '0') {
            base = 8;
        }
        std::int64_t n = 0;
        auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n, base);
        if (error != std::errc{} || end != digits.data() + digits.size())
            wrong(here() + " is no number");
        rest_.remove_prefix(word.size());
        return negative ? -n : n;
    }

    Value string(char quote)
    {
        std::string text;
        while (!rest_.empty() && rest_[0] != '\n') {
            char c = next();
            if (c == quote)
                return text;
            text += c == '\\' ? escaped() : c;
        }
        wrong(std::string{"the string has no "} + quote + " at its end");
    }

    char escaped()
    {
        static constexpr std::string_view letters = "abfnrtv", meanings = "\a\b\f\n\r\t\v";
        if (rest_.empty() || rest_[0] == '\n')
            wrong("a backslash stands before a character");
        if (take('x'))
            return code(16, 2);
        if (rest_[0] >= '0' && rest_[0] <= '7')
            return code(8, 3);
        char c = next();
        if (auto at = letters.find(c); at != letters.npos)
            return meanings[at];
        if (c == '\\' || c == '"' || c == '\'')
            return c;
        wrong(std::string{"\\"} + c + " in a string means nothing");
    }
    char code(int base, std::size_t most)
    {
        unsigned n = 0;
        auto digits = rest_.substr(0, most);
        auto end = std::from_chars(digits.data(), digits.data() + digits.size(), n, base).ptr;
        if (end == digits.data() || n == 0 || n > 0xff)
            wrong("the code of a character is missing or too large");
        rest_.remove_prefix(static_cast<std::size_t>(end - digits.data()));
        return static_cast<char>(n);
    }

    std::string_view rest_;
    std::string file_;
    unsigned line_ = 1;
};
}  // namespace

std::vector<Setting> parse(std::string_view text, std::string const &file) { return Parser{text, file}.all(); }

std::string from_word(std::string_view word)
{
    constexpr std::string_view begins_a_value = "\"'[-0123456789";
    auto equals = word.find('=');
    auto value = equals == word.npos ? std::string_view{} : word.substr(equals + 1);
    if (equals == word.npos || (!value.empty() && begins_a_value.find(value[0]) != value.npos))
        return std::string{word};
    std::string text{word.substr(0, equals + 1)};
    text += '"';
    for (char c : value)
        text += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    return text + '"';
}
}  // namespace config
