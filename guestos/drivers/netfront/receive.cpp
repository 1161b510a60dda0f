// SPDX-License-Identifier: MIT
// The receiving side: pages lent, pages filled, packets out of them.
#include <cstring>
#include <drivers/netfront/netfront.hpp>

namespace netfront {
using kernel::net::Checksum;

namespace {
constexpr std::uint32_t small_piece = 256;  // is copied; its page stays lent
constexpr std::uint16_t least_segment = 88, most_segment = 65000;
}  // namespace

Result<> ReceiveSide::open(domid_t other)
{
    TRY(ring.open(other));
    grants_ = TRY(pv::GrantReserve::make(other, slots));
    pool_ = TRY(kernel::make_ref<kernel::net::FramePool>());
    free_id_count_ = 0;
    for (unsigned i = 0; i < slots; ++i)
        free_ids_[free_id_count_++] = static_cast<std::uint16_t>(i);
    return {};
}

void ReceiveSide::close()
{
    for (auto &l : lent_) {
        if (l.ref)
            (void)grants_.end(l.ref);
        if (l.frame != no_pfn)
            kernel::unref_frame(l.frame);
        l = {};
    }
    drop_packet();
    free_id_count_ = 0;
    lent_count_ = answered_count_ = 0;
    grants_ = {};
    pool_ = nullptr;
    ring.close();
}

void ReceiveSide::drop_packet()
{
    packet_ = Packet{};
    flags_ = train_bytes_ = 0;
    bad_ = expects_extra_ = in_packet_ = more_ = false;
}

void ReceiveSide::lend(std::uint16_t id)
{
    order_[lent_count_++ % slots] = id;
    ring->put({id, 0, lent_[id].ref});
}

void ReceiveSide::refill()
{
    while (free_id_count_ && ring->free() && grants_.free()) {
        auto frame = pool_->take();
        if (!frame.ok())
            break;
        auto id = free_ids_[--free_id_count_];
        lent_[id] = {frame.value(), grants_.grant(frame.value(), pv::Access::writable)};
        lend(id);
    }
}

// One page's part of a packet. A page that stays lent is so under the same grant. False: the answer cannot be right.
bool ReceiveSide::take_piece(netif_rx_response const &r, Packet &out)
{
    auto &l = lent_[r.id];
    auto bytes = static_cast<std::uint32_t>(r.status);
    if (r.status < 0 || (bytes && (r.offset >= page_size || bytes > page_size - r.offset))) {
        bool refused = r.status < 0;  // the back end could not fill it
        bad_ = true;
        lend(r.id);
        return refused;
    }
    if (bytes <= small_piece || pool_->held() >= most_held) {
        out = kernel::net::allocate_packet(PBUF_RAW, bytes);
        if (out && bytes)
            std::memcpy(out->payload, static_cast<char const *>(kernel::frame_address(l.frame)) + r.offset, bytes);
        lend(r.id);
        return true;
    }
    auto lent = std::exchange(l, {});
    free_ids_[free_id_count_++] = r.id;
    if (grants_.end(lent.ref))
        out = pool_->packet(lent.frame, r.offset, bytes);
    else
        kernel::unref_frame(lent.frame);  // it still has the page mapped and could change it while we read: lost
    return true;
}

bool ReceiveSide::take_extra(netif_extra_info const &extra)
{
    expects_extra_ = (extra.flags & XEN_NETIF_EXTRA_FLAG_MORE) != 0;
    if (extra.type == XEN_NETIF_EXTRA_TYPE_NONE || extra.type >= XEN_NETIF_EXTRA_TYPE_MAX)
        return false;
    if (extra.type == XEN_NETIF_EXTRA_TYPE_GSO) {
        train_bytes_ = extra.u.gso.size;
        bad_ |= train_bytes_ < least_segment || train_bytes_ > most_segment
            || (extra.u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4 && extra.u.gso.type != XEN_NETIF_GSO_TYPE_TCPV6);
    }
    return true;
}

void ReceiveSide::finish(kernel::net::NetDevice &to)
{
    if (bad_ || !packet_) {
        ++to.counters.rx_errors;
        return drop_packet();
    }
    kernel::net::Headers h;
    if (packet_->next && packet_->len < kernel::net::most_header_bytes)
        packet_ = kernel::net::with_own_headers(std::move(packet_), kernel::net::most_header_bytes);
    bool known = packet_ && kernel::net::parse_headers(packet_.get(), h) && (h.is_tcp() || h.is_udp());
    if (packet_ && known && (flags_ & NETRXF_csum_blank))
        packet_.set_checksum(Checksum::blank);
    else if (packet_ && (flags_ & NETRXF_data_validated))
        packet_.set_checksum(Checksum::good);
    if (packet_ && train_bytes_ && known && h.is_tcp())
        packet_->segment_bytes = train_bytes_;
    auto p = std::move(packet_);
    drop_packet();
    if (p)
        to.receive(std::move(p));
}

bool ReceiveSide::take(unsigned budget, unsigned &done, kernel::net::NetDevice &to)
{
    for (done = 0; done < budget;) {
        netif_rx_response r;
        auto taken = ring->take(r);
        if (taken == pv::Taken::nothing)
            return true;
        if (taken == pv::Taken::overrun)
            return false;
        auto id = order_[answered_count_++ % slots];
        if (expects_extra_) {
            netif_extra_info extra;
            std::memcpy(&extra, &r, sizeof extra);
            lend(id);
            if (!take_extra(extra))
                return false;
        } else if (r.id != id) {
            return false;
        } else {
            Packet piece;
            if (!take_piece(r, piece))
                return false;
            if (!in_packet_)
                flags_ = r.flags;
            in_packet_ = true;
            expects_extra_ = (r.flags & NETRXF_extra_info) != 0;
            if (!piece || (packet_ && packet_.bytes() + piece.bytes() > kernel::net::most_frame_bytes))
                bad_ = true;
            else if (packet_)
                pbuf_cat(packet_.get(), piece.release());
            else
                packet_ = std::move(piece);
            more_ = (r.flags & NETRXF_more_data) != 0;
        }
        if (expects_extra_ || more_)
            continue;
        ++done;
        finish(to);
    }
    return true;
}
}  // namespace netfront
