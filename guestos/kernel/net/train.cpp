// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <kernel/net/checksum.hpp>
#include <kernel/net/train.hpp>

namespace kernel::net {
namespace {
constexpr std::uint32_t most_train_bytes = most_train_pages * page_size
    - 2 * page_size;  // it may begin and end within pages
constexpr unsigned char flag_fin = 1, flag_syn = 2, flag_rst = 4, flag_psh = 8, flag_ack = 16, flag_urg = 32,
                        flag_cwr = 128;

std::uint16_t get16(unsigned char const *p) { return static_cast<std::uint16_t>(p[0] << 8 | p[1]); }
std::uint32_t get32(unsigned char const *p) { return static_cast<std::uint32_t>(get16(p)) << 16 | get16(p + 2); }
void put16(unsigned char *p, std::uint32_t n)
{
    p[0] = static_cast<unsigned char>(n >> 8);
    p[1] = static_cast<unsigned char>(n);
}
void put32(unsigned char *p, std::uint32_t n)
{
    put16(p, n >> 16);
    put16(p + 2, n);
}

unsigned char *start_of(pbuf *p) { return static_cast<unsigned char *>(p->payload); }

// Both lengths and IPv4's header checksum, for a frame of so many bytes.
void set_lengths(unsigned char *start, Headers const &h, std::uint32_t frame_bytes)
{
    auto ip = start + h.network;
    if (h.version == 6) {
        put16(ip + 4, frame_bytes - h.transport);
        return;
    }
    put16(ip + 2, frame_bytes - h.network);
    put16(ip + 10, 0);
    auto sum = static_cast<std::uint16_t>(~sum_bytes(ip, static_cast<std::uint32_t>(h.transport - h.network)));
    std::memcpy(ip + 10, &sum, sizeof sum);
}

// May these headers, of the same layout, be of two segments of one train? All must be equal but lengths, IPv4's identification
// and checksum, the sequence number, PSH and the checksum.
bool same_line(unsigned char const *a, unsigned char const *b, Headers const &h)
{
    auto equal = [&](unsigned from, unsigned to) { return std::memcmp(a + from, b + from, to - from) == 0; };
    unsigned ip = h.network, tcp = h.transport;
    bool network = h.version == 4 ? equal(0, ip + 2) && equal(ip + 6, ip + 10) && equal(ip + 12, tcp)
                                  : equal(0, ip + 4) && equal(ip + 6, tcp);
    return network && equal(tcp, tcp + 4) && equal(tcp + 8, tcp + 13) && ((a[tcp + 13] ^ b[tcp + 13]) & ~flag_psh) == 0
        && equal(tcp + 14, tcp + 16) && equal(tcp + 18, h.payload);
}
}  // namespace

namespace {
// What follows the headers, without them.
Packet data_of(Packet segment, std::uint32_t header, std::uint32_t bytes)
{
    if (segment->len != header || segment->ref != 1)
        return borrow(segment.get(), header, bytes);
    auto data = segment->next;
    segment->next = nullptr;
    segment->tot_len = segment->len;
    return Packet{data};
}

// Segments lie side by side in the sender's pages: what continues the last piece becomes part of it.
void append(Packet &train, Packet data)
{
    auto last = train.get();
    while (last->next)
        last = last->next;
    auto first = data.get();
    auto frame = frame_of(*last);
    bool continues = frame != no_pfn && frame_of(*first) == frame
        && static_cast<char *>(last->payload) + last->len == static_cast<char *>(first->payload);
    if (continues) {
        auto n = first->len;
        for (auto p = train.get(); p; p = p->next)
            p->tot_len = static_cast<u16_t>(p->tot_len + n);
        last->len = static_cast<u16_t>(last->len + n);
        auto rest = first->next;
        first->next = nullptr;
        first->tot_len = first->len;
        data = Packet{rest};  // gives `first` up: the page is held by `last`
    }
    if (data)
        pbuf_cat(train.get(), data.release());
}
}  // namespace

bool couple(Packet &train, Packet &segment)
{
    Headers a, b;
    if (!parse_headers(train.get(), a) || !parse_headers(segment.get(), b) || !a.is_tcp() || !b.is_tcp()
        || a.payload != b.payload || a.network != b.network || a.version != b.version || train->len < a.payload
        || segment->len < b.payload)
        return false;
    auto x = start_of(train.get()), y = start_of(segment.get());
    std::uint32_t have = train.bytes() - a.payload, more = segment.bytes() - b.payload;
    std::uint32_t step = train.is_train() ? train->segment_bytes : have;
    constexpr unsigned char never = flag_fin | flag_syn | flag_rst | flag_urg | flag_cwr;
    if (!have || !more || more > step || have % step || have + more > most_train_bytes
        || (x[a.transport + 13] & (flag_psh | never)) != 0 || (y[b.transport + 13] & (never | flag_ack)) != flag_ack
        || get32(x + a.transport + 4) + have != get32(y + b.transport + 4) || !same_line(x, y, a))
        return false;
    unsigned char const push = y[b.transport + 13] & flag_psh;
    if (!train.is_train()) {
        auto own = train->len == a.payload && train->ref == 1 ? Packet::share(train.get())
                                                              : with_own_headers(Packet::share(train.get()), a.payload);
        if (!own)
            return false;
        train = std::move(own);
        train->segment_bytes = static_cast<u16_t>(have);
        x = start_of(train.get());
    }
    auto data = data_of(std::move(segment), b.payload, more);
    if (!data)
        return true;  // no memory: it is lost, as on a wire
    x[a.transport + 13] |= push;
    append(train, std::move(data));
    segment = Packet{};
    return true;
}

Packet depart(Packet p)
{
    Headers h;
    if (!p || !p.is_train() || !parse_headers(p.get(), h))
        return p;
    set_lengths(start_of(p.get()), h, p.bytes());
    return with_blank_checksum(std::move(p));
}

bool split_train(Packet train, void (*each)(void *, Packet), void *context)
{
    Headers h;
    std::uint32_t step = train->segment_bytes;
    if (!step || !parse_headers(train.get(), h) || !h.is_tcp()) {
        each(context, std::move(train));
        return true;
    }
    std::uint32_t total = train.bytes() - h.payload, sequence = 0;
    unsigned id = 0;
    unsigned char header[most_header_bytes];
    pbuf_copy_partial(train.get(), header, h.payload, 0);
    sequence = get32(header + h.transport + 4);
    id = get16(header + h.network + 4);
    unsigned char const flags = header[h.transport + 13];
    for (std::uint32_t at = 0; at < total; at += step) {
        auto n = std::min(step, total - at);
        auto data = borrow(train.get(), h.payload + at, n);
        auto p = allocate_packet(PBUF_RAW, h.payload);
        if (!data || !p)
            return false;
        bool last = at + n == total;
        put32(header + h.transport + 4, sequence + at);
        header[h.transport + 13] = last ? flags : flags & ~(flag_fin | flag_psh);
        if (h.version == 4)
            put16(header + h.network + 4, id++);
        std::memcpy(p->payload, header, h.payload);
        pbuf_cat(p.get(), data.release());
        set_lengths(start_of(p.get()), h, p.bytes());
        p->if_idx = train->if_idx;
        p.set_checksum(Checksum::blank);
        each(context, std::move(p));
    }
    return true;
}
}  // namespace kernel::net
