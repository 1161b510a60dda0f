// SPDX-License-Identifier: MIT
// netlink(7) messages, made and read.
//
//   nlmsghdr | family header (ifinfomsg, ifaddrmsg, …) | rtattr: length, type, value, padding to 4 | rtattr …
//                                                         a nested one holds further ones
#pragma once
#include <cstring>
#include <lib/result.hpp>
#include <linux/rtnetlink.h>
#include <memory>
#include <new>
#include <span>
#include <string_view>

namespace kernel::net {
// A sequence of messages, as one datagram.
class MessageWriter {
public:
    static constexpr std::uint32_t capacity = 3584;  // a reader's buffer is a page at least
    MessageWriter() : bytes_{new (std::nothrow) char[capacity]} {}
    bool usable() const { return bytes_ != nullptr; }
    std::uint32_t used() const { return used_; }
    bool failed() const { return failed_; }  // something did not fit
    char const *data() const { return bytes_.get(); }
    std::unique_ptr<char[]> take() { return std::move(bytes_); }

    template <class Header>
    void begin(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence, std::uint32_t port, Header const &h)
    {
        start_ = used_;
        nlmsghdr n{0, type, flags, sequence, port};
        append(&n, sizeof n);
        append(&h, sizeof h);
    }
    // False: the message did not fit and is taken back.
    bool end()
    {
        if (failed_) {
            used_ = start_;
            failed_ = false;
            return false;
        }
        std::uint32_t n = used_ - start_;
        std::memcpy(bytes_.get() + start_, &n, sizeof n);
        return true;
    }
    void attribute(std::uint16_t type, void const *value, std::uint32_t n)
    {
        rtattr a{static_cast<unsigned short>(sizeof a + n), type};
        append(&a, sizeof a);
        append(value, n);
    }
    template <class T>
    void attribute(std::uint16_t type, T const &value)
    {
        attribute(type, &value, sizeof value);
    }
    void text(std::uint16_t type, char const *s) { attribute(type, s, static_cast<std::uint32_t>(std::strlen(s) + 1)); }
    std::uint32_t open_nested(std::uint16_t type)
    {
        auto at = used_;
        rtattr a{0, type};
        append(&a, sizeof a);
        return at;
    }
    void close_nested(std::uint32_t at)
    {
        if (failed_)
            return;
        auto n = static_cast<std::uint16_t>(used_ - at);
        std::memcpy(bytes_.get() + at, &n, sizeof n);
    }

private:
    void append(void const *p, std::uint32_t n)
    {
        std::uint32_t padded = (n + 3) & ~3u;
        if (failed_ || !bytes_ || padded > capacity - used_) {
            failed_ = true;
            return;
        }
        std::memcpy(bytes_.get() + used_, p, n);
        std::memset(bytes_.get() + used_ + n, 0, padded - n);
        used_ += padded;
    }
    std::unique_ptr<char[]> bytes_;
    std::uint32_t used_ = 0, start_ = 0;
    bool failed_ = false;
};

// The attributes of a message, by type; what is too large a type for the table is ignored.
class Attributes {
public:
    static constexpr unsigned most_types = 64;
    Attributes() = default;
    explicit Attributes(std::span<char const> bytes)
    {
        while (bytes.size() >= sizeof(rtattr)) {
            rtattr a;
            std::memcpy(&a, bytes.data(), sizeof a);
            if (a.rta_len < sizeof a || a.rta_len > bytes.size())
                return;
            unsigned type = a.rta_type & 0x3fff;  // without the flags for nested and byte order
            if (type < most_types)
                value_[type] = bytes.subspan(sizeof a, a.rta_len - sizeof a);
            bytes = bytes.subspan(std::size_t{(a.rta_len + 3u) & ~3u} < bytes.size() ? (a.rta_len + 3u) & ~3u
                                                                                     : bytes.size());
        }
    }
    bool has(unsigned type) const { return value_[type].data() != nullptr; }
    std::span<char const> bytes(unsigned type) const { return value_[type]; }
    template <class T>
    bool read(unsigned type, T &out) const
    {
        if (value_[type].size() < sizeof out)
            return false;
        std::memcpy(&out, value_[type].data(), sizeof out);
        return true;
    }
    std::uint32_t number(unsigned type, std::uint32_t otherwise = 0) const
    {
        read(type, otherwise);
        return otherwise;
    }
    std::string_view text(unsigned type) const
    {
        std::string_view s{value_[type].data(), value_[type].size()};
        return s.substr(0, s.find('\0'));
    }
    Attributes nested(unsigned type) const { return Attributes{value_[type]}; }

private:
    std::span<char const> value_[most_types];
};
}  // namespace kernel::net
