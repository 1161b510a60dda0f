// SPDX-License-Identifier: MIT
#include <array>
#include <lib/inflate.hpp>

namespace {
constexpr std::array<std::uint32_t, 256> make_crc_table()
{
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        auto c = i;
        for (int bit = 0; bit < 8; ++bit)
            c = (c & 1) != 0 ? 0xedb8'8320u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    return table;
}
constexpr auto crc_table = make_crc_table();

// RFC 1951, 3.2.5: the first length (distance) of each symbol and how many extra bits follow.
constexpr std::uint16_t length_base[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                         31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr std::uint8_t length_extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                         2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr std::uint16_t distance_base[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                           33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                           1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr std::uint8_t distance_extra[] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                           6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
constexpr unsigned end_of_block = 256;

std::uint32_t reversed(std::uint32_t code, unsigned n)
{
    std::uint32_t out = 0;
    for (; n; --n, code >>= 1)
        out = out << 1 | (code & 1);
    return out;
}
std::uint32_t little_endian(std::span<std::uint8_t const> b)
{
    return b[0] | b[1] << 8 | b[2] << 16 | static_cast<std::uint32_t>(b[3]) << 24;
}
}  // namespace

std::uint32_t crc32(std::uint32_t crc, std::span<std::uint8_t const> bytes)
{
    crc = ~crc;
    for (auto b : bytes)
        crc = crc_table[(crc ^ b) & 0xff] ^ (crc >> 8);
    return ~crc;
}

// Over-subscribed sets of lengths are damage; incomplete ones are allowed only with a single code (RFC 1951, 3.2.7).
Result<> Inflate::Code::build(std::uint8_t const *lengths, unsigned n)
{
    for (auto &c : count)
        c = 0;
    for (auto &f : fast)
        f = 0;
    for (unsigned s = 0; s < n; ++s)
        ++count[lengths[s]];
    unsigned used = n - count[0];
    int left = 1;
    for (unsigned length = 1; length <= max_bits; ++length) {
        left = (left << 1) - count[length];
        if (left < 0)
            return Error::badmsg;
    }
    if (left > 0 && used > 1)
        return Error::badmsg;
    std::uint16_t place[max_bits + 2] = {};
    std::uint32_t next_code[max_bits + 2] = {};
    for (unsigned length = 1; length <= max_bits; ++length) {
        place[length + 1] = static_cast<std::uint16_t>(place[length] + count[length]);
        next_code[length + 1] = (next_code[length] + count[length]) << 1;
    }
    for (unsigned s = 0; s < n; ++s) {
        unsigned const length = lengths[s];
        if (length == 0)
            continue;
        symbol[place[length]++] = static_cast<std::uint16_t>(s);
        auto code = reversed(next_code[length]++, length);
        for (; length <= fast_bits && code < 1u << fast_bits; code += 1u << length)
            fast[code] = static_cast<std::uint16_t>(s << 4 | length);
    }
    return {};
}

Result<> Inflate::need(unsigned n)
{
    while (held_ < n) {
        if (at_ == in_.size())
            return Error::nodata;
        hold_ |= static_cast<std::uint32_t>(in_[at_++]) << held_;
        held_ += 8;
    }
    return {};
}

Result<unsigned> Inflate::bits(unsigned n)
{
    TRY(need(n));
    auto value = hold_ & ((1u << n) - 1);
    hold_ >>= n;
    held_ -= n;
    return value;
}

Result<unsigned> Inflate::decode(Code const &code)
{
    while (held_ < max_bits && at_ < in_.size()) {
        hold_ |= static_cast<std::uint32_t>(in_[at_++]) << held_;
        held_ += 8;
    }
    if (auto entry = code.fast[hold_ & ((1u << fast_bits) - 1)]; entry != 0 && (entry & 15u) <= held_) {
        hold_ >>= entry & 15u;
        held_ -= entry & 15u;
        return entry >> 4;
    }
    // Bit by bit: codes of one length are consecutive numbers.
    unsigned value = 0, first = 0, index = 0;
    for (unsigned length = 1; length <= max_bits; ++length) {
        if (held_ < length)
            return Error::nodata;
        value = value << 1 | ((hold_ >> (length - 1)) & 1);
        if (value - first < code.count[length]) {
            hold_ >>= length;
            held_ -= length;
            return code.symbol[index + value - first];
        }
        index += code.count[length];
        first = (first + code.count[length]) << 1;
    }
    return Error::badmsg;
}

Result<> Inflate::flush()
{
    std::span<std::uint8_t const> chunk{window_, filled_};
    crc_ = crc32(crc_, chunk);
    total_ += filled_;
    wrapped_ |= filled_ == window_bytes;
    filled_ = 0;
    return chunk.empty() ? Result<>{} : sink_->write(chunk);
}

Result<> Inflate::emit(std::uint8_t byte)
{
    window_[filled_++] = byte;
    return filled_ == window_bytes ? flush() : Result<>{};
}

Result<> Inflate::stored_block()
{
    at_ -= held_ / 8;  // whole bytes read ahead go back; the rest of this byte is padding
    hold_ = held_ = 0;
    if (in_.size() - at_ < 4)
        return Error::nodata;
    unsigned const n = in_[at_] | in_[at_ + 1] << 8, check = in_[at_ + 2] | in_[at_ + 3] << 8;
    if ((n ^ check) != 0xffff)
        return Error::badmsg;
    at_ += 4;
    for (unsigned i = 0; i < n; ++i) {
        if (at_ == in_.size())
            return Error::nodata;
        TRY(emit(in_[at_++]));
    }
    return {};
}

Result<> Inflate::copy_match(unsigned symbol)
{
    symbol -= end_of_block + 1;
    if (symbol >= std::size(length_base))
        return Error::badmsg;
    unsigned length = length_base[symbol] + TRY(bits(length_extra[symbol]));
    unsigned const d = TRY(decode(distance_));
    if (d >= std::size(distance_base))
        return Error::badmsg;
    unsigned const distance = distance_base[d] + TRY(bits(distance_extra[d]));
    if (distance > filled_ && !wrapped_)
        return Error::badmsg;  // before the beginning
    for (; length; --length)
        TRY(emit(window_[(filled_ - distance) % window_bytes]));
    return {};
}

Result<> Inflate::coded_block()
{
    for (;;) {
        auto symbol = TRY(decode(literal_));
        if (symbol == end_of_block)
            return {};
        if (symbol < end_of_block)
            TRY(emit(static_cast<std::uint8_t>(symbol)));
        else
            TRY(copy_match(symbol));
    }
}

Result<> Inflate::make_fixed_codes()
{
    std::uint8_t lengths[literals];
    for (unsigned s = 0; s < literals; ++s)
        lengths[s] = s < 144 ? 8 : s < 256 ? 9 : s < 280 ? 7 : 8;
    TRY(literal_.build(lengths, literals));
    for (unsigned s = 0; s < distances; ++s)
        lengths[s] = 5;
    return distance_.build(lengths, distances);
}

Result<> Inflate::read_code_lengths(std::uint8_t *lengths, unsigned n)
{
    for (unsigned i = 0; i < n;) {
        auto symbol = TRY(decode(literal_));
        if (symbol < 16) {
            lengths[i++] = static_cast<std::uint8_t>(symbol);
            continue;
        }
        if (symbol > 18 || (symbol == 16 && i == 0))
            return Error::badmsg;
        std::uint8_t const value = symbol == 16 ? lengths[i - 1] : std::uint8_t{0};
        unsigned repeat = symbol == 16 ? 3 + TRY(bits(2)) : symbol == 17 ? 3 + TRY(bits(3)) : 11 + TRY(bits(7));
        if (repeat > n - i)
            return Error::badmsg;
        while (repeat--)
            lengths[i++] = value;
    }
    return {};
}

Result<> Inflate::read_dynamic_codes()
{
    constexpr std::uint8_t order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    unsigned const n_literal = TRY(bits(5)) + 257, n_distance = TRY(bits(5)) + 1, n_lengths = TRY(bits(4)) + 4;
    if (n_literal > 286 || n_distance > 30)
        return Error::badmsg;
    std::uint8_t lengths[286 + 30] = {};
    for (unsigned i = 0; i < n_lengths; ++i)
        lengths[order[i]] = static_cast<std::uint8_t>(TRY(bits(3)));
    TRY(literal_.build(lengths, std::size(order)));
    for (auto &l : lengths)
        l = 0;
    TRY(read_code_lengths(lengths, n_literal + n_distance));
    if (lengths[end_of_block] == 0)
        return Error::badmsg;
    TRY(literal_.build(lengths, n_literal));
    return distance_.build(lengths + n_literal, n_distance);
}

Result<std::size_t> Inflate::run(std::span<std::uint8_t const> input, InflateSink &sink)
{
    in_ = input;
    at_ = 0;
    hold_ = held_ = crc_ = total_ = filled_ = 0;
    wrapped_ = false;
    sink_ = &sink;
    for (bool last = false; !last;) {
        last = TRY(bits(1)) != 0;
        switch (TRY(bits(2))) {
        case 0: TRY(stored_block()); break;
        case 1:
            TRY(make_fixed_codes());
            TRY(coded_block());
            break;
        case 2:
            TRY(read_dynamic_codes());
            TRY(coded_block());
            break;
        default: return Error::badmsg;
        }
    }
    TRY(flush());
    return at_ - held_ / 8;
}

// RFC 1952, 2.3: ten fixed bytes, then what the flags announce.
Result<std::size_t> Inflate::skip_gzip_header(std::span<std::uint8_t const> in)
{
    enum Flag : unsigned { header_crc = 2, extra = 4, name = 8, comment = 16, reserved = 0xe0 };
    std::size_t at = 10;
    if (in.size() < at)
        return Error::nodata;
    if (in[0] != 0x1f || in[1] != 0x8b || in[2] != 8 || (in[3] & reserved) != 0)
        return Error::badmsg;
    unsigned const flags = in[3];
    if ((flags & extra) != 0) {
        if (in.size() < at + 2)
            return Error::nodata;
        at += 2 + (in[at] | in[at + 1] << 8);
    }
    for (unsigned text : {unsigned{name}, unsigned{comment}}) {
        if ((flags & text) == 0)
            continue;
        while (at < in.size() && in[at] != 0)
            ++at;
        ++at;
    }
    at += (flags & header_crc) != 0 ? 2 : 0;
    return at <= in.size() ? Result<std::size_t>{at} : Result<std::size_t>{Error::nodata};
}

Result<std::size_t> Inflate::run_gzip(std::span<std::uint8_t const> input, InflateSink &sink)
{
    auto at = TRY(skip_gzip_header(input));
    at += TRY(run(input.subspan(at), sink));
    if (input.size() - at < 8)
        return Error::nodata;
    if (little_endian(input.subspan(at)) != crc_ || little_endian(input.subspan(at + 4)) != total_)
        return Error::badmsg;
    return at + 8;
}
