// SPDX-License-Identifier: MIT
// The receiving side: pages lent, pages filled, packets out of them.
#include <drivers/netfront/netfront.hpp>

namespace netfront {
using kernel::net::Checksum;

namespace {
constexpr int small_piece = 256;  // is copied; its page stays lent
constexpr std::uint16_t least_segment = 88, most_segment = 65000;
}  // namespace

Result<> ReceiveSide::open(domid_t other)
{
    TRY(ring.open(other));
    grants_ = TRY(pv::GrantReserve::make(other, slots));
    pool_ = TRY(kernel::make_ref<kernel::net::FramePool>());
    return {};
}

// Their grants end with the reserve.
ReceiveSide::~ReceiveSide()
{
    for (auto &l : lent_)
        if (l.frame != no_pfn)
            kernel::unref_frame(l.frame);
}

void ReceiveSide::lend(Lent l)
{
    auto const id = static_cast<std::uint16_t>(lent_count_++ % slots);
    lent_[id] = l;
    ring->put({id, 0, l.ref});
}

void ReceiveSide::refill()
{
    while (ring->free() && grants_.free()) {
        auto frame = pool_->take();
        if (!frame.ok())
            break;
        lend({frame.value(), grants_.grant(frame.value(), pv::Access::writable)});
    }
}

// One page's part of a packet; empty: it is lost. A page that is copied stays lent under the same grant.
Packet ReceiveSide::piece_of(netif_rx_response const &r, Lent lent)
{
    auto const bytes = static_cast<std::uint32_t>(r.status);
    if (r.status > small_piece && pool_->held() < most_held) {
        if (grants_.end(lent.ref))
            return pool_->packet(lent.frame, r.offset, bytes);
        kernel::unref_frame(lent.frame);  // it still has the page mapped and could change it while we read: lost
        return {};
    }
    // Negative: the back end could not fill it.
    Packet copy = r.status < 0 ? Packet{} : kernel::net::allocate_packet(PBUF_RAW, bytes);
    if (copy && bytes)
        std::memcpy(copy->payload, static_cast<char *>(kernel::frame_address(lent.frame)) + r.offset, bytes);
    lend(lent);
    return copy;
}

void ReceiveSide::take_piece(netif_rx_response const &r, Lent lent)
{
    auto &p = packet_;
    if (!p.more)
        p.flags = r.flags;
    p.more = (r.flags & NETRXF_more_data) != 0;
    p.expects_extra = (r.flags & NETRXF_extra_info) != 0;
    p.bad |= !append_piece(p.data, piece_of(r, lent));
}

bool ReceiveSide::take_extra(netif_rx_response const &r)
{
    netif_extra_info extra;
    std::memcpy(&extra, &r, sizeof extra);
    packet_.expects_extra = (extra.flags & XEN_NETIF_EXTRA_FLAG_MORE) != 0;
    if (extra.type == XEN_NETIF_EXTRA_TYPE_GSO) {
        auto const &gso = extra.u.gso;
        packet_.train_bytes = gso.size;
        packet_.bad |= gso.size < least_segment || gso.size > most_segment
            || (gso.type != XEN_NETIF_GSO_TYPE_TCPV4 && gso.type != XEN_NETIF_GSO_TYPE_TCPV6);
    }
    return extra.type != XEN_NETIF_EXTRA_TYPE_NONE && extra.type < XEN_NETIF_EXTRA_TYPE_MAX;
}

// What the back end says of the packet counts as far as the packet agrees.
void ReceiveSide::finish(kernel::net::NetDevice &to)
{
    auto done = std::exchange(packet_, {});
    auto p = done.bad ? Packet{} : std::move(done.data);
    if (p && p->next && p->len < kernel::net::most_header_bytes)
        p = kernel::net::with_own_headers(std::move(p), kernel::net::most_header_bytes);
    if (!p) {
        ++to.counters.rx_errors;
        return;
    }
    kernel::net::Headers h;
    bool const known = kernel::net::parse_headers(p.get(), h) && (h.is_tcp() || h.is_udp());
    if (known && (done.flags & NETRXF_csum_blank))
        p.set_checksum(Checksum::blank);
    else if (done.flags & NETRXF_data_validated)
        p.set_checksum(Checksum::good);
    if (known && h.is_tcp())
        p->segment_bytes = done.train_bytes;
    to.receive(std::move(p));
}

bool ReceiveSide::take(unsigned budget, unsigned &done, kernel::net::NetDevice &to)
{
    for (done = 0; done < budget;) {
        netif_rx_response r;
        if (auto taken = ring->take(r); taken != pv::Taken::one)
            return taken == pv::Taken::nothing;
        bool const is_extra = packet_.expects_extra;  // which does not say whose place it takes
        auto const id = answered_count_++ % slots;
        if (!is_extra && (r.id != id || (r.status > 0 && r.offset + r.status > static_cast<int>(page_size))))
            return false;
        auto const lent = std::exchange(lent_[id], {});
        if (!is_extra)
            take_piece(r, lent);
        else if (lend(lent); !take_extra(r))
            return false;
        if (packet_.expects_extra || packet_.more)
            continue;
        ++done;
        finish(to);
    }
    return true;
}
}  // namespace netfront
