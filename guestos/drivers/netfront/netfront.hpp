// SPDX-License-Identifier: MIT
// The network front end: an interface whose other half is in another domain. include/pv/io/netif.h.
//
//   transmit ring: each slot names a part of a page of ours      receive ring: each slot lends a page to be filled
//
//     slot     | gref, offset, size, flags, id |                   | id, gref |      answered by
//     packet:  | headers (a bounce buffer), size of the whole |    | id, offset, flags, status = bytes |
//              | train's segment size (an extra_info)         |    a packet goes on in the next answer
//              | data, page by page: the pages themselves     |    while more_data is set
//
// What the other end may see: pages of send buffers and what it gave itself; whatever lies in the heap goes out through bounce
// buffers. What it may do: answer late, wrongly or never. Every answer is checked against our own notes; a page counts as ours
// again when its grant has ended, and is read only then, or through one copy.
#pragma once
#include <kernel/net/frame_pool.hpp>
#include <kernel/net/lock.hpp>
#include <pvlib/device/free_numbers.hpp>
#include <pvlib/device/front_ring.hpp>
#include <pvlib/device/granted_frames.hpp>
#include <pvlib/device/net_queues.hpp>

namespace netfront {
using kernel::net::Packet;

inline constexpr unsigned slots = PV_RING_SLOTS(netif_tx, page_size);
static_assert(slots == 256 && slots == PV_RING_SLOTS(netif_rx, page_size));

// What is in the other end's hands to send.
class TransmitSide {
public:
    Result<> open(domid_t other);  // no lock: may sleep for memory
    pv::SharedFrontRing<netif_tx_sring> ring;
    enum class Put { done, no_room, no_memory };
    Put put(Packet &, bool scatter);
    // Takes answers; false: the other end breaks the rules.
    bool reap();
    bool has_room() { return ring->free() >= most_fragments; }  // for any packet

private:
    static constexpr unsigned most_fragments = XEN_NETIF_NR_SLOTS_MIN;  // what every back end takes
    // A bounce buffer, one for each request, takes a whole frame of the usual MTU. What lies in pages is copied only if it is short.
    static constexpr std::uint32_t chunk_bytes = 2048, chunks_each = page_size / chunk_bytes, short_bytes = 1024;
    struct Fragment {
        Pfn frame;
        std::uint16_t offset, bytes;
    };
    // How a packet goes out: its beginning through the bounce buffer, the rest page by page.
    struct Layout {
        std::uint32_t in_front;
        unsigned count = 0;
        Fragment fragment[most_fragments];
    };
    struct Request {
        Packet packet;        // which holds the page; none: the bytes are in the bounce buffer
        grant_ref_t ref = 0;  // 0: it is not under way
    };
    static bool lay_out(Packet const &, Layout &);
    void put_front(Packet const &, Layout const &);
    Request requests_[slots];  // whose grants end with the reserve
    pv::FreeNumbers<slots> free_;
    pv::GrantedFrames bounce_;
    pv::GrantReserve grants_;
};

class ReceiveSide {
public:
    // So many frames may be with readers; what comes beyond that is copied, and its page stays lent. A slow reader costs the ring nothing.
    static constexpr unsigned most_held = 2 * slots;
    Result<> open(domid_t other);
    ~ReceiveSide();
    pv::SharedFrontRing<netif_rx_sring> ring;
    void refill();
    // Takes at most `budget` packets; false: the other end breaks the rules.
    bool take(unsigned budget, unsigned &done, kernel::net::NetDevice &to);

private:
    struct Lent {
        Pfn frame = no_pfn;
        grant_ref_t ref = 0;
    };
    void lend(Lent);
    void take_piece(netif_rx_response const &, Lent);
    Packet piece_of(netif_rx_response const &, Lent);
    bool take_extra(netif_rx_response const &);
    void finish(kernel::net::NetDevice &to);
    // Answers come in the order of the requests, so the n-th page that was lent, and its id, have the place n modulo `slots`.
    Lent lent_[slots];
    std::uint32_t lent_count_ = 0, answered_count_ = 0;
    kernel::Ref<kernel::net::FramePool> pool_;
    pv::GrantReserve grants_;
    // The packet whose answers are being taken.
    struct Arriving {
        Packet data;
        std::uint16_t flags = 0, train_bytes = 0;
        bool bad = false, expects_extra = false, more = false;
    } packet_;
};

using Queue = pv::NetQueue<TransmitSide, ReceiveSide>;

class Interface final : public pv::NetQueues<Queue> {
public:
    explicit Interface(xenbus::Device &owner) : NetQueues{owner, "eth%u"} {}
    char const *driver_name() const override { return "netfront"; }
    bool transmit(Packet &) override;
    void flush() override;
    unsigned poll(unsigned budget) override;

private:
    bool reap(TransmitSide &);
    unsigned receive_from(Queue &, unsigned budget);
};

class NetFront final : public xenbus::FrontEnd {
protected:
    Result<xenbus::State> offer() override;
    Result<> connect() override;
    void disconnect() override;
    void removed() override;

private:
    Result<> make_interface();
    Result<> open_queue();
    Result<> publish();
    Result<> publish_queue(unsigned number, xenbus::Tx);
    kernel::Ref<Interface> interface_;
};
}  // namespace netfront
