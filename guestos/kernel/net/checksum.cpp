// SPDX-License-Identifier: MIT
// TCP's and UDP's checksums: left blank for somebody else to complete, completed, verified.
#include <algorithm>
#include <bit>
#include <cstring>
#include <kernel/net/checksum.hpp>
#include <kernel/net/packet.hpp>

namespace kernel::net {
namespace {
std::uint16_t fold(std::uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16));
}

std::uint16_t swapped(std::uint16_t n) { return static_cast<std::uint16_t>(n << 8 | n >> 8); }

unsigned field_of(Headers const &h) { return h.transport + (h.is_tcp() ? 16u : 6u); }

// What TCP and UDP sum besides their own bytes: both addresses, the protocol and the length.
std::uint16_t pseudo_header_sum(unsigned char const *start, Headers const &h, std::uint32_t transport_bytes)
{
    unsigned from = h.network + (h.version == 4 ? 12u : 8u), n = h.version == 4 ? 8u : 32u;
    std::uint32_t sum = sum_bytes(start + from, n);
    return fold(sum + swapped(h.protocol) + swapped(fold(transport_bytes)));
}

// The bytes that IP says are there: a frame may be padded, or cut. 0: nonsense.
std::uint32_t transport_bytes(unsigned char const *start, Headers const &h, std::uint32_t frame_bytes)
{
    auto ip = start + h.network;
    std::uint32_t end = h.version == 4 ? h.network + (ip[2] << 8u | ip[3]) : h.transport + (ip[4] << 8u | ip[5]);
    return end > frame_bytes || end < h.payload ? 0 : end - h.transport;
}

// The headers in one piece that may be written; an empty Packet: no memory.
Packet writable(Packet p, Headers const &h)
{
    if (p->len >= h.payload && p->ref == 1)
        return p;
    return with_own_headers(std::move(p), h.payload);
}

std::uint16_t load(unsigned char const *p)
{
    std::uint16_t n;
    std::memcpy(&n, p, sizeof n);
    return n;
}
void store(unsigned char *p, std::uint16_t n) { std::memcpy(p, &n, sizeof n); }
}  // namespace

// Sums words of 32 bits with carry; bytes at odd places count as the high half of their 16 bits, as x86 loads them.
std::uint16_t sum_bytes(void const *data, std::uint32_t bytes)
{
    auto p = static_cast<unsigned char const *>(data);
    std::uint64_t sum = 0;
    for (; bytes >= 16; bytes -= 16, p += 16) {
        std::uint32_t w[4];
        std::memcpy(w, p, sizeof w);
        sum += static_cast<std::uint64_t>(w[0]) + w[1] + w[2] + w[3];
    }
    for (; bytes >= 2; bytes -= 2, p += 2)
        sum += load(p);
    if (bytes)
        sum += *p;
    sum = (sum & 0xffff'ffff) + (sum >> 32);
    sum = (sum & 0xffff'ffff) + (sum >> 32);
    return fold(fold(static_cast<std::uint32_t>(sum & 0xffff) + static_cast<std::uint32_t>(sum >> 16)));
}

std::uint16_t sum_of(pbuf const *p, std::uint32_t offset, std::uint32_t bytes, std::uint32_t sum)
{
    bool odd = false;  // an odd number of bytes so far: the next piece's halves are swapped
    for (; p && bytes; p = p->next) {
        if (offset >= p->len) {
            offset -= p->len;
            continue;
        }
        auto n = std::min<std::uint32_t>(bytes, p->len - offset);
        auto part = sum_bytes(static_cast<char const *>(p->payload) + offset, n);
        sum += odd ? swapped(part) : part;
        odd ^= (n & 1) != 0;
        bytes -= n;
        offset = 0;
    }
    return fold(sum);
}

Packet with_blank_checksum(Packet p)
{
    Headers h;
    if (!parse_headers(p.get(), h) || !(h.is_tcp() || h.is_udp()))
        return p;
    p = writable(std::move(p), h);
    if (!p)
        return p;
    auto start = static_cast<unsigned char *>(p->payload);
    auto n = transport_bytes(start, h, p.bytes());
    if (!n)
        return p;
    store(start + field_of(h), pseudo_header_sum(start, h, n));
    p.set_checksum(Checksum::blank);
    return p;
}

Packet with_complete_checksum(Packet p)
{
    if (p.checksum() != Checksum::blank)
        return p;
    Headers h;
    if (!parse_headers(p.get(), h) || !(h.is_tcp() || h.is_udp())) {
        p.set_checksum(Checksum::unknown);
        return p;
    }
    p = writable(std::move(p), h);
    if (!p)
        return p;
    auto start = static_cast<unsigned char *>(p->payload);
    p.set_checksum(Checksum::unknown);
    auto n = transport_bytes(start, h, p.bytes());
    if (!n)
        return p;
    // Whoever left it blank may have left nothing: the pseudo header is summed afresh.
    store(start + field_of(h), 0);
    auto checksum = static_cast<std::uint16_t>(~sum_of(p.get(), h.transport, n, pseudo_header_sum(start, h, n)));
    if (checksum == 0 && h.is_udp())
        checksum = 0xffff;  // 0 says that there is none
    store(start + field_of(h), checksum);
    p.set_checksum(Checksum::good);
    return p;
}

bool verify_checksum(pbuf const *p)
{
    char copy[most_header_bytes];
    auto got = pbuf_copy_partial(p, copy, sizeof copy, 0);
    auto start = reinterpret_cast<unsigned char const *>(copy);
    Headers h;
    if (!parse_headers(copy, got, h) || !(h.is_tcp() || h.is_udp()))
        return true;
    if (h.is_udp() && load(start + field_of(h)) == 0)
        return h.version == 4;
    auto n = transport_bytes(start, h, p->tot_len);
    return n && sum_of(p, h.transport, n, pseudo_header_sum(start, h, n)) == 0xffff;
}
}  // namespace kernel::net
