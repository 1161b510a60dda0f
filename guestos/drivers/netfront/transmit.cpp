// SPDX-License-Identifier: MIT
// The sending side: from packets to slots, and back when they are answered.
#include <algorithm>
#include <drivers/netfront/netfront.hpp>

namespace netfront {
using kernel::net::most_header_bytes;

Result<> TransmitSide::open(domid_t other)
{
    TRY(ring.open(other));
    grants_ = TRY(pv::GrantReserve::make(other, slots));
    constexpr unsigned frames = slots / chunks_each;
    bounce_ = TRY(pv::GrantedFrames::make(other, pv::Access::read_only, frames, frames));
    return {};
}

// Neighbours in one page are joined. False: too many parts, or some of what is behind the beginning lies in the heap, which the other
// end must not see.
bool TransmitSide::lay_out(Packet const &p, Layout &out)
{
    out.in_front = p.bytes();
    out.count = 0;
    if (p.bytes() <= short_bytes)
        return true;
    std::uint32_t in_heap = 0;
    for (auto piece = p.get(); piece && kernel::net::frame_of(*piece) == no_pfn; piece = piece->next)
        in_heap += piece->len;
    // Headers belong in front all the same: the back end reads them first.
    out.in_front = std::min(in_heap ? in_heap : std::uint32_t{most_header_bytes}, chunk_bytes);
    std::uint16_t skip = 0;
    for (auto piece = pbuf_skip(p.get(), static_cast<u16_t>(out.in_front), &skip); piece; piece = piece->next, skip = 0) {
        auto const frame = kernel::net::frame_of(*piece);
        auto const offset = static_cast<std::uint16_t>(page_offset(vaddr_of(piece->payload)) + skip);
        auto const bytes = static_cast<std::uint16_t>(piece->len - skip);
        auto *last = out.count ? &out.fragment[out.count - 1] : nullptr;
        if (frame == no_pfn)
            return false;
        if (last && last->frame == frame && last->offset + last->bytes == offset)
            last->bytes = static_cast<std::uint16_t>(last->bytes + bytes);
        else if (out.count == most_fragments - 2)  // headers, extra_info
            return false;
        else if (bytes)
            out.fragment[out.count++] = {frame, offset, bytes};
    }
    return true;
}

namespace {
// The same packet with all behind its headers in whole frames of its own.
Packet in_frames(Packet p)
{
    auto pool = kernel::make_ref<kernel::net::FramePool>();
    auto made = kernel::net::allocate_packet(PBUF_RAW, most_header_bytes);
    if (!pool.ok() || !made || !append_piece(made, pool.value()->packet(p.bytes() - most_header_bytes)))
        return {};
    std::uint16_t at = 0;
    for (auto piece = made.get(); piece; piece = piece->next)
        at = static_cast<std::uint16_t>(at + pbuf_copy_partial(p.get(), piece->payload, piece->len, at));
    made->checksum_state = p->checksum_state;
    made->segment_bytes = p->segment_bytes;
    return made;
}
}  // namespace

// The first slot, and a train's extra_info.
void TransmitSide::put_front(Packet const &p, Layout const &l)
{
    auto const id = free_.take();
    auto const page = id / chunks_each;
    requests_[id].ref = bounce_.ref(page);
    auto const offset = static_cast<std::uint16_t>(id % chunks_each * chunk_bytes);
    pbuf_copy_partial(p.get(), bounce_.address(page) + offset, static_cast<u16_t>(l.in_front), 0);
    unsigned flags = (l.count ? NETTXF_more_data : 0) | (p.is_train() ? NETTXF_extra_info : 0);
    if (p.checksum() == kernel::net::Checksum::blank)
        flags |= NETTXF_csum_blank | NETTXF_data_validated;
    else if (p.checksum() == kernel::net::Checksum::good)
        flags |= NETTXF_data_validated;
    ring->put({bounce_.ref(page), offset, static_cast<std::uint16_t>(flags), id, p.bytes()});
    if (p.is_train())
        ring->put(pv::train_slot<netif_tx_request>(p));
}

TransmitSide::Put TransmitSide::put(Packet &p, bool scatter)
{
    Layout l;
    if (!lay_out(p, l)) {
        p = in_frames(std::move(p));
        if (!p || !lay_out(p, l))
            return Put::no_memory;
    }
    if (l.count && !scatter)  // one slot for all: a page of its own
        return Put::no_memory;
    unsigned const needed = 1 + l.count + (p.is_train() ? 1u : 0u);
    if (ring->free() < needed || free_.count() < needed || grants_.free() < l.count)
        return Put::no_room;
    put_front(p, l);
    for (unsigned i = 0; i < l.count; ++i) {
        auto const &f = l.fragment[i];
        auto const id = free_.take();
        requests_[id] = {Packet::share(p.get()), grants_.grant(f.frame, pv::Access::read_only)};
        unsigned const more = i + 1 < l.count ? NETTXF_more_data : 0;
        ring->put({requests_[id].ref, f.offset, static_cast<std::uint16_t>(more), id, f.bytes});
    }
    p = Packet{};
    return Put::done;
}

// An extra_info's answer says nothing (NETIF_RSP_NULL). Errors of single packets are the network's: they are lost.
bool TransmitSide::reap()
{
    for (;;) {
        netif_tx_response r;
        if (auto taken = ring->take(r); taken != pv::Taken::one)
            return taken == pv::Taken::nothing;
        if (r.status == NETIF_RSP_NULL)
            continue;
        if (r.id >= slots || !requests_[r.id].ref)
            return false;
        auto const done = std::exchange(requests_[r.id], {});
        if (done.packet)
            (void)grants_.end(done.ref);
        free_.put(r.id);
    }
}
}  // namespace netfront
