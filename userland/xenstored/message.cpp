// SPDX-License-Identifier: MIT
#include <charconv>
#include <cstring>
#include <userland/xenstored/message.hpp>

namespace xenstore {
namespace {
struct Name {
    Error error;
    char const *text;
};
// The errors that a reply can name.
constexpr Name names[] = {
    {Error::inval, "EINVAL"},       {Error::acces, "EACCES"},   {Error::exist, "EEXIST"},  {Error::isdir, "EISDIR"},
    {Error::noent, "ENOENT"},       {Error::nomem, "ENOMEM"},   {Error::nospc, "ENOSPC"},  {Error::io, "EIO"},
    {Error::notempty, "ENOTEMPTY"}, {Error::nosys, "ENOSYS"},   {Error::rofs, "EROFS"},    {Error::busy, "EBUSY"},
    {Error::again, "EAGAIN"},       {Error::isconn, "EISCONN"}, {Error::too_big, "E2BIG"}, {Error::perm, "EPERM"},
};

constexpr char const *requests[XS_TYPE_COUNT] = {"control",
                                                 "directory",
                                                 "read",
                                                 "get-permissions",
                                                 "watch",
                                                 "unwatch",
                                                 "start",
                                                 "end",
                                                 "introduce",
                                                 "release",
                                                 "domain-path",
                                                 "write",
                                                 "mkdir",
                                                 "rm",
                                                 "set-permissions",
                                                 "event",
                                                 "error",
                                                 "is-introduced",
                                                 "resume",
                                                 "set-target",
                                                 "(20)",
                                                 "reset-watches",
                                                 "directory-part"};
}  // namespace

std::string encode_message(xsd_sockmsg header, std::string_view payload)
{
    header.len = static_cast<std::uint32_t>(payload.size());
    std::string bytes(sizeof header + payload.size(), 0);
    std::memcpy(bytes.data(), &header, sizeof header);
    payload.copy(bytes.data() + sizeof header, payload.size());
    return bytes;
}

char const *error_name(Error error)
{
    for (auto const &name : names)
        if (name.error == error)
            return name.text;
    return "EINVAL";
}

char const *request_name(std::uint32_t type) { return type < XS_TYPE_COUNT ? requests[type] : "(unknown)"; }

std::optional<std::vector<std::string_view>> strings_of(std::string_view payload)
{
    std::vector<std::string_view> strings;
    while (!payload.empty()) {
        auto end = payload.find('\0');
        if (end == std::string_view::npos)
            return std::nullopt;
        strings.push_back(payload.substr(0, end));
        payload.remove_prefix(end + 1);
    }
    return strings;
}

std::optional<std::pair<std::string_view, std::string_view>> split_first(std::string_view payload)
{
    auto end = payload.find('\0');
    if (end == std::string_view::npos)
        return std::nullopt;
    return std::pair{payload.substr(0, end), payload.substr(end + 1)};
}

Result<std::uint32_t> number_of(std::string_view text, std::uint32_t max)
{
    std::uint32_t n = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size() || n > max)
        return Error::inval;
    return n;
}
}  // namespace xenstore
