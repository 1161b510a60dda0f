// SPDX-License-Identifier: MIT
#include "frames.hpp"
#include <algorithm>

namespace lodger {
namespace {
constexpr std::uint8_t sync0 = 0x1e, sync1 = 'L', escape = 0x02;
constexpr std::size_t header = 6;

// CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xffff.
std::uint16_t checksum(std::span<std::uint8_t const> bytes)
{
    std::uint16_t crc = 0xffff;
    for (auto byte : bytes) {
        crc = static_cast<std::uint16_t>(crc ^ byte << 8);
        for (int bit = 0; bit < 8; ++bit)
            crc = static_cast<std::uint16_t>(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}

enum class Scan { incomplete, broken, frame };

// Is there a frame at the start of `bytes`? Sets its whole length.
Scan scan(std::span<std::uint8_t const> bytes, std::size_t &length)
{
    if (bytes[0] != sync0)
        return Scan::broken;
    if (bytes.size() > 1 && bytes[1] != sync1)
        return Scan::broken;
    if (bytes.size() < header)
        return Scan::incomplete;
    std::size_t payload = bytes[4] | static_cast<std::size_t>(bytes[5]) << 8;
    if (payload > max_payload)
        return Scan::broken;
    length = payload + frame_overhead;
    if (bytes.size() < length)
        return Scan::incomplete;
    std::uint16_t sum = checksum(bytes.subspan(2, header - 2 + payload));
    return bytes[length - 2] == (sum & 0xff) && bytes[length - 1] == sum >> 8 ? Scan::frame : Scan::broken;
}
}  // namespace

std::size_t piece_to_pass_on(std::span<std::uint8_t const> bytes)
{
    if (bytes[0] != sync0)
        return static_cast<std::size_t>(std::find(bytes.begin(), bytes.end(), sync0) - bytes.begin());
    if (bytes.size() > 1 && bytes[1] != sync1)
        return 1;
    if (bytes.size() < header)
        return 0;
    std::size_t payload = bytes[4] | static_cast<std::size_t>(bytes[5]) << 8;
    if (payload > max_payload)
        return 1;
    return bytes.size() < payload + frame_overhead ? 0 : payload + frame_overhead;
}

std::uint32_t Frame::u32() const
{
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4 && i < payload.size(); ++i)
        value |= std::uint32_t{payload[i]} << 8 * i;
    return value;
}

std::vector<std::uint8_t> encode_frame(FrameType type, std::uint8_t sequence, std::span<std::uint8_t const> payload)
{
    std::vector<std::uint8_t> out(header + payload.size());
    std::uint8_t const head[header] = {sync0,
                                       sync1,
                                       static_cast<std::uint8_t>(type),
                                       sequence,
                                       static_cast<std::uint8_t>(payload.size()),
                                       static_cast<std::uint8_t>(payload.size() >> 8)};
    std::copy_n(head, header, out.begin());
    std::copy(payload.begin(), payload.end(), out.begin() + header);
    std::uint16_t sum = checksum(std::span{out}.subspan(2));
    out.push_back(static_cast<std::uint8_t>(sum));
    out.push_back(static_cast<std::uint8_t>(sum >> 8));
    return out;
}

std::vector<std::uint8_t> escape_for_guest(std::span<std::uint8_t const> bytes)
{
    std::vector<std::uint8_t> out;
    for (auto byte : bytes) {
        if (byte <= escape) {
            out.push_back(escape);
            out.push_back(static_cast<std::uint8_t>(byte + 0x40));
        } else {
            out.push_back(byte);
        }
    }
    return out;
}

void FrameReader::feed(std::span<std::uint8_t const> bytes, void (*on_frame)(void *, Frame const &),
                       void (*on_text)(void *, std::span<std::uint8_t const>), void *context)
{
    for (auto byte : bytes) {
        if (escaped_ && byte == escape && !escape_open_) {
            escape_open_ = true;
            continue;
        }
        held_.push_back(escape_open_ ? static_cast<std::uint8_t>(byte - 0x40) : byte);
        escape_open_ = false;
    }
    std::size_t at = 0, text = 0;
    while (at < held_.size()) {
        std::size_t length = 0;
        auto found = scan(std::span{held_}.subspan(at), length);
        if (found == Scan::broken) {
            ++at;
            continue;
        }
        if (at > text)
            on_text(context, std::span{held_}.subspan(text, at - text));
        text = at;
        if (found == Scan::incomplete)
            break;
        auto payload = std::span{held_}.subspan(at + header, length - frame_overhead);
        on_frame(context, Frame{static_cast<FrameType>(held_[at + 2]), {payload.begin(), payload.end()}});
        at = text = at + length;
    }
    if (at > text)
        on_text(context, std::span{held_}.subspan(text, at - text));
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(at));
}
}  // namespace lodger
