// SPDX-License-Identifier: MIT
#include <algorithm>
#include <userland/xenstored/path.hpp>

namespace xenstore {
namespace {
constexpr bool valid_in_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'
        || c == '@' || c == '+';
}

// Names between single slashes; `text` begins with the first name.
bool valid_names(std::string_view text)
{
    bool in_name = false;
    for (char c : text) {
        if (c == '/' && !in_name)
            return false;
        if (c != '/' && !valid_in_name(c))
            return false;
        in_name = c != '/';
    }
    return in_name;
}
}  // namespace

bool valid_path(std::string_view absolute)
{
    if (absolute == "/")
        return true;
    return absolute.size() > 1 && absolute.size() <= max_path && absolute[0] == '/' && valid_names(absolute.substr(1));
}

std::string home_of(domid_t domain) { return "/local/domain/" + std::to_string(domain); }

Result<std::string> absolute_path(std::string_view sent, domid_t sender)
{
    if (sent.empty() || sent[0] == '@' || (sent[0] != '/' && sent.size() > max_relative_path))
        return Error::inval;
    std::string path{sent};
    if (sent[0] != '/')
        path = home_of(sender) + "/" + path;
    if (!valid_path(path))
        return Error::inval;
    return path;
}

std::string_view parent_of(std::string_view path)
{
    auto slash = path.rfind('/');
    if (path.size() <= 1 || slash == std::string_view::npos)
        return {};
    return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

std::string_view leaf_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_below(std::string_view path, std::string_view ancestor)
{
    if (ancestor == "/")
        return path.size() > 1 && path[0] == '/';
    return path.size() > ancestor.size() && path.starts_with(ancestor) && path[ancestor.size()] == '/';
}

unsigned depth_below(std::string_view path, std::string_view ancestor)
{
    auto slashes = [](std::string_view p) { return p == "/" ? 0 : std::count(p.begin(), p.end(), '/'); };
    return static_cast<unsigned>(slashes(path) - slashes(ancestor));
}

bool TreeOrder::operator()(std::string_view a, std::string_view b) const
{
    auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [&](char x, char y) { return rank(x) < rank(y); });
}
}  // namespace xenstore
