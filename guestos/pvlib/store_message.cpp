// SPDX-License-Identifier: MIT
#include <cstring>
#include <pvlib/store_message.hpp>

namespace xenbus {
namespace {
struct NamedError {
    char const *name;
    Error error;
};
// All that the protocol knows: docs/misc/xenstore.txt, xsd_errors in Xen's io/xs_wire.h.
constexpr NamedError named_errors[] = {
    {"EINVAL", Error::inval},       {"EACCES", Error::acces},   {"EEXIST", Error::exist},  {"EISDIR", Error::isdir},
    {"ENOENT", Error::noent},       {"ENOMEM", Error::nomem},   {"ENOSPC", Error::nospc},  {"EIO", Error::io},
    {"ENOTEMPTY", Error::notempty}, {"ENOSYS", Error::nosys},   {"EROFS", Error::rofs},    {"EBUSY", Error::busy},
    {"EAGAIN", Error::again},       {"EISCONN", Error::isconn}, {"E2BIG", Error::too_big}, {"EPERM", Error::perm},
};
}  // namespace

// --- Text ---
Result<Text> Text::make(std::uint32_t size)
{
    Text t;
    t.bytes_.reset(new (std::nothrow) char[size + 1]);
    if (!t.bytes_)
        return Error::nomem;
    t.bytes_[size] = 0;
    t.size_ = size;
    return t;
}

Result<Text> Text::copy(std::string_view a, std::string_view b)
{
    auto t = TRY(make(static_cast<std::uint32_t>(a.size() + b.size())));
    if (!a.empty())
        std::memcpy(t.data(), a.data(), a.size());
    if (!b.empty())
        std::memcpy(t.data() + a.size(), b.data(), b.size());
    return t;
}

Result<Text> Text::join(std::string_view folder, std::string_view name)
{
    if (folder.size() + name.size() + 2 > XENSTORE_ABS_PATH_MAX)
        return Error::nametoolong;
    if (folder.empty() || name.empty())
        return copy(folder, name);
    bool has_slash = folder.back() == '/';
    auto t = TRY(make(static_cast<std::uint32_t>(folder.size() + name.size() + (has_slash ? 0 : 1))));
    std::memcpy(t.data(), folder.data(), folder.size());
    if (!has_slash)
        t.data()[folder.size()] = '/';
    std::memcpy(t.data() + t.size() - name.size(), name.data(), name.size());
    return t;
}

std::string_view Text::next(std::uint32_t &at) const
{
    auto rest = view().substr(at < size_ ? at : size_);
    auto name = rest.substr(0, rest.find('\0'));
    at += static_cast<std::uint32_t>(name.size()) + 1;
    return name;
}

// --- MessageReader ---
// Without memory the payload is read all the same, to nowhere: what follows it must be understood.
Result<> MessageReader::begin_payload()
{
    auto const &h = message_.header;
    if (h.len > XENSTORE_PAYLOAD_MAX)
        return Error::proto;
    auto payload = Text::make(h.len);
    message_.lost = !payload.ok();
    if (payload.ok())
        message_.payload = payload.take();
    return {};
}

Result<> MessageReader::fill(StoreRing &ring)
{
    constexpr std::uint32_t header_bytes = sizeof message_.header;
    if (got_ < header_bytes) {
        got_ += TRY(ring.get(reinterpret_cast<char *>(&message_.header) + got_, header_bytes - got_));
        return got_ == header_bytes ? begin_payload() : Result<>{};
    }
    auto done = got_ - header_bytes, left = message_.header.len - done;
    char nowhere[64];
    if (message_.lost)
        got_ += TRY(ring.get(nowhere, left < sizeof nowhere ? left : sizeof nowhere));
    else
        got_ += TRY(ring.get(message_.payload.data() + done, left));
    return {};
}

Result<bool> MessageReader::next(StoreRing &ring, Message &out)
{
    for (;;) {
        if (got_ >= sizeof message_.header && got_ == sizeof message_.header + message_.header.len) {
            out = std::move(message_);
            reset();
            return true;
        }
        auto before = got_;
        auto filled = fill(ring);
        if (!filled.ok()) {
            reset();
            return filled.error();
        }
        if (got_ == before)
            return false;
    }
}

// --- parsing ---
Error error_of_reply(Text const &payload)
{
    std::string_view name{payload.c_str()};
    for (auto const &e : named_errors)
        if (name == e.name)
            return e.error;
    return Error::io;
}

char const *name_of_error(Error error)
{
    for (auto const &e : named_errors)
        if (error == e.error)
            return e.name;
    return "EIO";
}

Result<WatchEvent> parse_watch_event(std::string_view all)
{
    auto first = all.find('\0');
    if (first == all.npos)
        return Error::proto;
    auto second = all.find('\0', first + 1);
    if (second == all.npos)
        return Error::proto;
    return WatchEvent{all.substr(0, first), all.substr(first + 1, second - first - 1)};
}

Result<std::uint32_t> parse_number(std::string_view s, unsigned base)
{
    std::uint64_t n = 0;
    if (s.empty())
        return Error::range;
    for (char c : s) {
        unsigned digit = c >= '0' && c <= '9'    ? static_cast<unsigned>(c - '0')
            : (c | 32) >= 'a' && (c | 32) <= 'f' ? static_cast<unsigned>((c | 32) - 'a' + 10)
                                                 : base;
        if (digit >= base)
            return Error::range;
        n = n * base + digit;
        if (n > 0xffff'ffff)
            return Error::range;
    }
    return static_cast<std::uint32_t>(n);
}
}  // namespace xenbus
