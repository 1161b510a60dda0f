// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <kernel/fs/cpio.hpp>
#include <new>

namespace kernel {
namespace {
constexpr unsigned alignment = 4;
constexpr std::uint32_t padding_of(std::uint32_t n) { return (alignment - n % alignment) % alignment; }

Result<std::uint32_t> hex(char const *digits)
{
    std::uint32_t n = 0;
    for (unsigned i = 0; i < 8; ++i) {
        char const c = digits[i];
        unsigned const lower = static_cast<unsigned>(c) | 0x20;
        if (c >= '0' && c <= '9')
            n = n << 4 | static_cast<unsigned>(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            n = n << 4 | (lower - 'a' + 10);
        else
            return Error::badmsg;
    }
    return n;
}
}  // namespace

Result<> CpioReader::parse_header()
{
    std::string_view const magic{header_, 6};
    if (magic != "070701" && magic != "070702")
        return Error::badmsg;
    std::uint32_t field[13];
    for (unsigned i = 0; i < 13; ++i)
        field[i] = TRY(hex(header_ + 6 + 8 * i));
    entry_ = {{},       field[0], field[1], field[2], field[3], field[4],
              field[5], field[6], field[7], field[8], field[9], field[10]};
    name_bytes_ = field[11];
    if (name_bytes_ < 2 || name_bytes_ > name_bytes_max)
        return Error::badmsg;
    if (!name_)
        name_.reset(new (std::nothrow) char[name_bytes_max]);
    return name_ ? Result<>{} : Result<>{Error::nomem};
}

Result<> CpioReader::name_complete()
{
    if (name_[name_bytes_ - 1] != 0)
        return Error::badmsg;
    entry_.name = {name_.get(), std::strlen(name_.get())};
    if (entry_.name.empty())
        return Error::badmsg;
    in_entry_ = entry_.name != "TRAILER!!!";
    seen_trailer_ |= !in_entry_;
    left_ = entry_.bytes;
    return in_entry_ ? receiver_.begin(entry_) : Result<>{};
}

Result<> CpioReader::data_complete() { return in_entry_ ? receiver_.end() : Result<>{}; }

// Moves up to `want - have` bytes from the front of `in`; true: all have come.
static bool collect(char *to, std::uint32_t &have, std::uint32_t want, std::span<std::uint8_t const> &in)
{
    auto n = std::min<std::size_t>(in.size(), want - have);
    std::memcpy(to + have, in.data(), n);
    have += static_cast<std::uint32_t>(n);
    in = in.subspan(n);
    return have == want;
}

Result<> CpioReader::feed_header(std::span<std::uint8_t const> &in)
{
    bool const whole = collect(header_, have_, header_bytes, in);
    constexpr std::string_view magic = "07070";
    if (have_ >= magic.size() && std::string_view{header_, magic.size()} != magic)
        return Error::badmsg;  // told at once, not after 110 bytes of whatever this is
    if (!whole)
        return {};
    have_ = 0;
    state_ = State::name;
    return parse_header();
}

Result<> CpioReader::feed_name(std::span<std::uint8_t const> &in)
{
    if (!collect(name_.get(), have_, name_bytes_, in))
        return {};
    pad_ = padding_of(header_bytes + name_bytes_);
    after_name_ = true;
    state_ = State::padding;
    return name_complete();
}

Result<> CpioReader::feed_data(std::span<std::uint8_t const> &in)
{
    auto n = std::min<std::size_t>(in.size(), left_);
    if (in_entry_)
        TRY(receiver_.data(in.first(n)));
    left_ -= static_cast<std::uint32_t>(n);
    in = in.subspan(n);
    if (left_ != 0)
        return {};
    pad_ = padding_of(entry_.bytes);
    after_name_ = false;
    state_ = State::padding;
    return data_complete();
}

Result<> CpioReader::feed_padding(std::span<std::uint8_t const> &in)
{
    auto n = std::min<std::size_t>(in.size(), pad_);
    pad_ -= static_cast<std::uint32_t>(n);
    in = in.subspan(n);
    if (pad_ != 0)
        return {};
    if (after_name_ && left_ != 0) {
        state_ = State::data;
        return {};
    }
    state_ = in_entry_ ? State::header : State::between;
    have_ = 0;
    return after_name_ ? data_complete() : Result<>{};
}

Result<std::size_t> CpioReader::feed(std::span<std::uint8_t const> all)
{
    auto in = all;
    while (!in.empty() || (state_ == State::padding && pad_ == 0)) {
        switch (state_) {
        case State::between:  // zeroes between archives
            if (in[0] == 0)
                in = in.subspan(1);
            else if (seen_trailer_)
                return all.size() - in.size();
            else
                state_ = State::header;
            break;
        case State::header: TRY(feed_header(in)); break;
        case State::name: TRY(feed_name(in)); break;
        case State::data: TRY(feed_data(in)); break;
        case State::padding: TRY(feed_padding(in)); break;
        }
    }
    return all.size();
}
}  // namespace kernel
