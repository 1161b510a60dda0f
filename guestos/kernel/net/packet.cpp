// SPDX-License-Identifier: MIT
// Making packets, and reading their headers.
#include <algorithm>
#include <cstring>
#include <kernel/memory/frames.hpp>
#include <kernel/net/frame_pool.hpp>
#include <kernel/net/packet.hpp>

namespace kernel::net {
namespace {
struct FramePbuf : pbuf_custom {
    Pfn frame;
};
void free_frame_pbuf(pbuf *p)
{
    auto self = reinterpret_cast<FramePbuf *>(p);
    unref_frame(self->frame);
    delete self;
}

struct BorrowedPbuf : pbuf_custom {
    struct pbuf *owner;
};

// PBUF_ROM: what the pbuf refers to stays as long as the pbuf, so nobody needs to copy it to keep it.
template <class Custom>
Packet make(Custom *c, void (*free)(pbuf *), void *data, std::uint32_t bytes)
{
    c->custom_free_function = free;
    auto n = static_cast<u16_t>(bytes);
    return Packet{pbuf_alloced_custom(PBUF_RAW, n, PBUF_ROM, c, data, n)};
}

std::uint16_t big16(unsigned char const *p) { return static_cast<std::uint16_t>(p[0] << 8 | p[1]); }

bool parse_ipv4(unsigned char const *start, std::uint32_t bytes, Headers &h)
{
    auto ip = start + h.network;
    unsigned header = (ip[0] & 15) * 4u, total = big16(ip + 2);
    if (header < 20 || total < header || bytes < h.network + header)
        return false;
    h.version = 4;
    h.protocol = ip[9];
    h.fragment = (big16(ip + 6) & 0x3fff) != 0;
    h.transport = static_cast<std::uint16_t>(h.network + header);
    return true;
}

// Extension headers end what we know: checksums of such packets are left to the ends.
bool parse_ipv6(unsigned char const *start, std::uint32_t bytes, Headers &h)
{
    constexpr unsigned header = 40;
    if (bytes < h.network + header)
        return false;
    h.version = 6;
    h.protocol = start[h.network + 6];
    h.transport = static_cast<std::uint16_t>(h.network + header);
    return true;
}
}  // namespace

Packet allocate_packet(pbuf_layer layer, std::uint32_t bytes)
{
    return bytes <= most_frame_bytes ? Packet{pbuf_alloc(layer, static_cast<u16_t>(bytes), PBUF_RAM)} : Packet{};
}

Packet packet_of_frame(Pfn frame, std::uint32_t offset, std::uint32_t bytes)
{
    auto c = new (std::nothrow) FramePbuf{};
    if (!c) {
        unref_frame(frame);
        return {};
    }
    c->frame = frame;
    return make(c, free_frame_pbuf, static_cast<char *>(frame_address(frame)) + offset, bytes);
}

Pfn frame_of(pbuf const &p)
{
    if (!(p.flags & PBUF_FLAG_IS_CUSTOM))
        return no_pfn;
    auto free = reinterpret_cast<pbuf_custom const &>(p).custom_free_function;
    if (free == free_frame_pbuf)
        return reinterpret_cast<FramePbuf const &>(p).frame;
    return free == FramePool::free_pbuf ? reinterpret_cast<FramePool::Pbuf const &>(p).frame : no_pfn;
}

namespace {
// What lwIP merely refers to lies in pages of send buffers (inet/send_buffer.hpp), which may be given up before the packet has left:
// then the page itself is held.
bool refers(pbuf const &p)
{
    return !(p.type_internal & PBUF_TYPE_FLAG_STRUCT_DATA_CONTIGUOUS) && !(p.flags & PBUF_FLAG_IS_CUSTOM);
}

// A part of one pbuf; of one page, if it refers to pages: lwIP joins neighbours.
Packet borrow_piece(pbuf *of, pbuf const &piece, std::uint32_t offset, std::uint32_t bytes)
{
    auto data = static_cast<char *>(piece.payload) + offset;
    if (refers(piece)) {
        auto frame = frame_of_address(data);
        auto start = page_offset(vaddr_of(data));
        ref_frame(frame);
        return packet_of_frame(frame, start, std::min<std::uint32_t>(bytes, page_size - start));
    }
    auto c = new (std::nothrow) BorrowedPbuf{};
    if (!c)
        return {};
    c->owner = of;
    pbuf_ref(of);
    auto free = [](pbuf *p) {
        auto self = reinterpret_cast<BorrowedPbuf *>(p);
        pbuf_free(self->owner);
        delete self;
    };
    return make(c, free, data, bytes);
}

// Appends pieces to a chain, whose total length is set at the end.
class Chain {
public:
    void append(Packet p)
    {
        total_ += p.bytes();
        auto raw = p.release();
        if (last_)
            last_->next = raw;
        else
            chain_ = Packet{raw};
        last_ = raw;
    }
    Packet take()
    {
        std::uint32_t left = total_;
        for (auto p = chain_.get(); p; p = p->next) {
            p->tot_len = static_cast<u16_t>(left);
            left -= p->len;
        }
        return std::move(chain_);
    }

private:
    Packet chain_;
    pbuf *last_ = nullptr;
    std::uint32_t total_ = 0;
};
}  // namespace

Packet borrow(pbuf *of, std::uint32_t offset, std::uint32_t bytes)
{
    Chain chain;
    for (auto piece = of; piece && bytes; piece = piece->next) {
        if (offset >= piece->len) {
            offset -= piece->len;
            continue;
        }
        while (offset < piece->len && bytes) {
            auto part = borrow_piece(of, *piece, offset, std::min<std::uint32_t>(bytes, piece->len - offset));
            if (!part)
                return {};
            offset += part.bytes();
            bytes -= part.bytes();
            chain.append(std::move(part));
        }
        offset = 0;
    }
    return chain.take();
}

Packet with_own_headers(Packet p, std::uint32_t n)
{
    n = std::min<std::uint32_t>(n, p.bytes());
    auto head = allocate_packet(PBUF_RAW, n);
    if (!head)
        return {};
    pbuf_copy_partial(p.get(), head->payload, static_cast<u16_t>(n), 0);
    head->checksum_state = p->checksum_state;
    head->segment_bytes = p->segment_bytes;
    head->if_idx = p->if_idx;
    if (n < p.bytes()) {
        auto rest = borrow(p.get(), n, p.bytes() - n);
        if (!rest)
            return {};
        pbuf_cat(head.get(), rest.release());
    }
    return head;
}

bool append_piece(Packet &to, Packet piece)
{
    if (!piece || (to && to.bytes() + piece.bytes() > most_frame_bytes))
        return false;
    if (to)
        pbuf_cat(to.get(), piece.release());
    else
        to = std::move(piece);
    return true;
}

Packet flattened(Packet p)
{
    if (!p->next)
        return p;
    return with_own_headers(std::move(p), most_frame_bytes);
}

bool parse_headers(void const *data, std::uint32_t bytes, Headers &h)
{
    auto start = static_cast<unsigned char const *>(data);
    if (bytes < ethernet_header_bytes)
        return false;
    h.type = big16(start + 12);
    constexpr std::uint16_t vlan = 0x8100;
    if (h.type == vlan && bytes >= ethernet_header_bytes + 4) {
        h.type = big16(start + 16);
        h.network = ethernet_header_bytes + 4;
    }
    return parse_ip_headers(data, bytes, h);
}

bool parse_ip_headers(void const *data, std::uint32_t bytes, Headers &h)
{
    auto start = static_cast<unsigned char const *>(data);
    constexpr std::uint16_t ipv4 = 0x0800, ipv6 = 0x86dd;
    if (bytes < h.network + 20u)
        return false;
    unsigned version = start[h.network] >> 4;
    if (!(h.type == ipv4 && version == 4 && parse_ipv4(start, bytes, h))
        && !(h.type == ipv6 && version == 6 && parse_ipv6(start, bytes, h)))
        return false;
    if (h.fragment)
        return true;
    if (h.protocol == 6 && bytes >= h.transport + 20u) {
        unsigned header = (start[h.transport + 12] >> 4) * 4u;
        if (header >= 20 && bytes >= h.transport + header)
            h.payload = static_cast<std::uint16_t>(h.transport + header);
    } else if (h.protocol == 17 && bytes >= h.transport + 8u) {
        h.payload = static_cast<std::uint16_t>(h.transport + 8);
    }
    return true;
}

bool parse_headers(pbuf const *p, Headers &h)
{
    if (p->len >= most_header_bytes || !p->next)
        return parse_headers(p->payload, p->len, h);
    char copy[most_header_bytes];
    auto n = pbuf_copy_partial(p, copy, sizeof copy, 0);
    return parse_headers(copy, n, h);
}
}  // namespace kernel::net
