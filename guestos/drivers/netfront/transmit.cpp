// SPDX-License-Identifier: MIT
// The sending side: from packets to slots, and back when they are answered.
#include <algorithm>
#include <cstring>
#include <drivers/netfront/netfront.hpp>
#include <kernel/memory/frames.hpp>

namespace netfront {
namespace {
constexpr unsigned most_fragments = XEN_NETIF_NR_SLOTS_MIN;  // what every back end takes
}

Result<> TransmitSide::lend_chunks(domid_t other)
{
    for (unsigned i = 0; i < slots / chunks_each; ++i) {
        auto frame = TRY(kernel::allocate_zeroed_frame());
        chunk_frames_[chunk_frame_count_++] = frame;
        chunk_refs_[i] = TRY(pv::GrantRef::to(other, frame, pv::Access::read_only));
    }
    for (unsigned i = 0; i < slots; ++i)
        free_chunks_[free_chunk_count_++] = static_cast<std::int16_t>(i);
    return {};
}

Result<> TransmitSide::open(domid_t other)
{
    TRY(ring.open(other));
    grants_ = TRY(pv::GrantReserve::make(other, slots));
    TRY(lend_chunks(other));
    free_id_count_ = 0;
    for (unsigned i = 0; i < slots; ++i)
        free_ids_[free_id_count_++] = static_cast<std::uint16_t>(i);
    return {};
}

void TransmitSide::close()
{
    for (auto &s : slots_) {
        if (s.ref)
            (void)grants_.end(s.ref);
        if (s.packet)
            pbuf_free(s.packet);
        s = {};
    }
    for (auto &r : chunk_refs_)
        r.end();
    while (chunk_frame_count_)
        kernel::unref_frame(chunk_frames_[--chunk_frame_count_]);
    free_chunk_count_ = free_id_count_ = 0;
    grants_ = {};
    ring.close();
}

// The packet as a list of page parts behind its first `in_front` bytes; neighbours in one page are joined. False: too many, or some
// of it lies in the heap.
bool TransmitSide::gather(Packet &p, Fragment *out, unsigned &count, std::uint32_t in_front) const
{
    count = 0;
    std::uint32_t skip = in_front;
    for (auto piece = p.get(); piece; piece = piece->next) {
        if (skip >= piece->len) {
            skip -= piece->len;
            continue;
        }
        auto frame = kernel::net::frame_of(*piece);
        if (frame == no_pfn)
            return false;
        auto offset = static_cast<std::uint16_t>(page_offset(vaddr_of(piece->payload)) + skip);
        auto bytes = static_cast<std::uint16_t>(piece->len - skip);
        skip = 0;
        auto last = count ? &out[count - 1] : nullptr;
        if (last && last->frame == frame && last->offset + last->bytes == offset) {
            last->bytes = static_cast<std::uint16_t>(last->bytes + bytes);
            continue;
        }
        if (count == most_fragments - 2)  // headers, extra_info
            return false;
        out[count++] = {frame, offset, bytes};
    }
    return true;
}

namespace {
// The same packet with all behind its first n bytes in whole frames of its own.
Packet in_frames(Packet p, std::uint32_t n)
{
    auto head = kernel::net::allocate_packet(PBUF_RAW, n);
    if (!head)
        return {};
    pbuf_copy_partial(p.get(), head->payload, static_cast<u16_t>(n), 0);
    head->checksum_state = p->checksum_state;
    head->segment_bytes = p->segment_bytes;
    for (std::uint32_t at = n; at < p.bytes();) {
        auto bytes = std::min<std::uint32_t>(page_size, p.bytes() - at);
        auto frame = kernel::allocate_zeroed_frame();
        if (!frame.ok())
            return {};
        pbuf_copy_partial(p.get(), kernel::frame_address(frame.value()), static_cast<u16_t>(bytes),
                          static_cast<u16_t>(at));
        auto piece = kernel::net::packet_of_frame(frame.value(), 0, bytes);
        if (!piece)
            return {};
        pbuf_cat(head.get(), piece.release());
        at += bytes;
    }
    return head;
}

// How much of the packet goes through the bounce buffer: what lies in the heap at its beginning.
std::uint32_t heap_part(Packet const &p, std::uint32_t most)
{
    std::uint32_t n = 0;
    for (auto piece = p.get(); piece && kernel::net::frame_of(*piece) == no_pfn; piece = piece->next)
        n += piece->len;
    if (n == 0)  // headers belong in front all the same: the back end reads them first
        n = kernel::net::most_header_bytes;
    return std::min({n, most, std::uint32_t{p.bytes()}});
}
}  // namespace

std::uint16_t TransmitSide::take_id() { return free_ids_[--free_id_count_]; }

TransmitSide::Put TransmitSide::put(Packet &p, bool scatter)
{
    Fragment fragments[most_fragments];
    unsigned count = 0;
    if (p.bytes() <= short_bytes) {
        count = 0;
    } else if (auto front = heap_part(p, chunk_bytes); !gather(p, fragments, count, front)) {
        p = in_frames(std::move(p), std::min(front, kernel::net::most_header_bytes));
        if (!p || !gather(p, fragments, count, heap_part(p, chunk_bytes)))
            return Put::no_memory;
    }
    if (count && !scatter)  // one slot for all: a page of its own
        return Put::no_memory;
    std::uint32_t in_front = count ? heap_part(p, chunk_bytes) : p.bytes();
    unsigned needed = 1 + count + (p.is_train() ? 1u : 0u);
    if (ring->free() < needed || free_id_count_ < needed || !free_chunk_count_ || grants_.free() < count)
        return Put::no_room;

    auto chunk = free_chunks_[--free_chunk_count_];
    auto frame = static_cast<unsigned>(chunk) / chunks_each;
    auto offset = static_cast<std::uint16_t>(static_cast<unsigned>(chunk) % chunks_each * chunk_bytes);
    pbuf_copy_partial(p.get(), static_cast<char *>(kernel::frame_address(chunk_frames_[frame])) + offset,
                      static_cast<u16_t>(in_front), 0);
    std::uint16_t flags = 0;
    if (p.checksum() == kernel::net::Checksum::blank)
        flags = NETTXF_csum_blank | NETTXF_data_validated;
    else if (p.checksum() == kernel::net::Checksum::good)
        flags = NETTXF_data_validated;
    auto id = take_id();
    slots_[id] = {nullptr, 0, chunk, true};
    netif_tx_request r{chunk_refs_[frame].raw(), offset,
                       static_cast<std::uint16_t>(flags | (count ? NETTXF_more_data : 0)), id, p.bytes()};
    if (p.is_train()) {
        r.flags |= NETTXF_extra_info;
        ring->put(r);
        netif_extra_info extra{};
        kernel::net::Headers h;
        (void)kernel::net::parse_headers(p.get(), h);
        extra.type = XEN_NETIF_EXTRA_TYPE_GSO;
        extra.u.gso.size = p->segment_bytes;
        extra.u.gso.type = h.version == 6 ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4;
        netif_tx_request slot{};
        static_assert(sizeof extra <= sizeof slot);
        std::memcpy(&slot, &extra, sizeof extra);
        ring->put(slot);
    } else {
        ring->put(r);
    }
    for (unsigned i = 0; i < count; ++i) {
        auto ref = grants_.grant(fragments[i].frame, pv::Access::read_only);
        auto part = take_id();
        pbuf_ref(p.get());
        slots_[part] = {p.get(), ref, -1, true};
        ring->put({ref, fragments[i].offset, static_cast<std::uint16_t>(i + 1 < count ? NETTXF_more_data : 0), part,
                   fragments[i].bytes});
    }
    p = Packet{};
    return Put::done;
}

void TransmitSide::release(std::uint16_t id)
{
    auto &s = slots_[id];
    if (s.ref)
        (void)grants_.end(s.ref);
    if (s.packet)
        pbuf_free(s.packet);
    if (s.chunk >= 0)
        free_chunks_[free_chunk_count_++] = s.chunk;
    s = {};
    free_ids_[free_id_count_++] = id;
}

// An extra_info's answer says nothing (NETIF_RSP_NULL). Errors of single packets are the network's: they are lost.
bool TransmitSide::reap()
{
    for (;;) {
        netif_tx_response r;
        auto taken = ring->take(r);
        if (taken == pv::Taken::nothing)
            return true;
        if (taken == pv::Taken::overrun)
            return false;
        if (r.status == NETIF_RSP_NULL)
            continue;
        if (r.id >= slots || !slots_[r.id].out)
            return false;
        release(r.id);
    }
}
}  // namespace netfront
