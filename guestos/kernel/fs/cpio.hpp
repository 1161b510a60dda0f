// SPDX-License-Identifier: MIT
// Reader of cpio archives in the "newc" format, fed in pieces of any size:
//
//   header 110 bytes of ASCII hex | name, NUL | pad to 4 | data | pad to 4 | header ... "TRAILER!!!" | zeroes | maybe another archive
#pragma once
#include <cstdint>
#include <lib/result.hpp>
#include <memory>
#include <span>
#include <string_view>

namespace kernel {
struct CpioEntry {
    std::string_view name;
    std::uint32_t ino, mode, uid, gid, nlink, mtime, bytes, dev_major, dev_minor, rdev_major, rdev_minor;
};

class CpioReceiver {
public:
    // A new entry; its data follows in calls of data() until `bytes` have come, then end().
    virtual Result<> begin(CpioEntry const &) = 0;
    virtual Result<> data(std::span<std::uint8_t const>) = 0;
    virtual Result<> end() = 0;

protected:
    ~CpioReceiver() = default;
};

class CpioReader {
public:
    explicit CpioReader(CpioReceiver &receiver) : receiver_{receiver} {}
    // How many bytes were used: all, or those before what follows the end of an archive; next_archive() goes on there.
    // Error::badmsg: this is no archive, or a damaged one; otherwise the receiver's error.
    Result<std::size_t> feed(std::span<std::uint8_t const>);
    bool complete() const { return state_ == State::between && seen_trailer_; }
    void next_archive() { seen_trailer_ = false; }

private:
    enum class State { between, header, name, data, padding };
    static constexpr unsigned header_bytes = 110, name_bytes_max = 4096;
    Result<> parse_header();
    Result<> name_complete();
    Result<> data_complete();
    Result<> feed_header(std::span<std::uint8_t const> &);
    Result<> feed_name(std::span<std::uint8_t const> &);
    Result<> feed_data(std::span<std::uint8_t const> &);
    Result<> feed_padding(std::span<std::uint8_t const> &);

    CpioReceiver &receiver_;
    State state_ = State::between;
    CpioEntry entry_{};
    std::uint32_t have_ = 0, name_bytes_ = 0, left_ = 0, pad_ = 0;
    bool seen_trailer_ = false, in_entry_ = false, after_name_ = false;
    char header_[header_bytes];
    std::unique_ptr<char[]> name_;
};
}  // namespace kernel
