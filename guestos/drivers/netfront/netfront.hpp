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
#include <kernel/net/device.hpp>
#include <kernel/net/frame_pool.hpp>
#include <kernel/net/lock.hpp>
#include <memory>
#include <pv/io/netif.h>
#include <pvlib/device/event_port.hpp>
#include <pvlib/device/front_ring.hpp>
#include <pvlib/device/xenbus.hpp>

namespace netfront {
using kernel::net::Packet;

inline constexpr unsigned slots = PV_RING_SLOTS(netif_tx, page_size);
static_assert(slots == 256 && slots == PV_RING_SLOTS(netif_rx, page_size));

// What is in the other end's hands to send. Kept apart from the interface: it ends with the connection.
class TransmitSide {
public:
    Result<> open(domid_t other);  // no lock: may sleep for memory
    void close();                  // lock held
    pv::SharedFrontRing<netif_tx_sring> ring;
    enum class Put { done, no_room, no_memory };
    Put put(Packet &, bool scatter);
    bool push() { return ring->push(); }
    // Takes answers; false: the other end breaks the rules.
    bool reap();
    bool idle() { return ring->in_flight() == 0; }

private:
    // A bounce buffer takes a whole frame of the usual MTU. What lies in pages is copied only if it is short.
    static constexpr std::uint32_t chunk_bytes = 2048, chunks_each = page_size / chunk_bytes, short_bytes = 1024;
    struct Slot {
        pbuf *packet = nullptr;  // a reference; null: free, or an extra_info
        grant_ref_t ref = 0;     // 0: a chunk's, which is lent for good
        std::int16_t chunk = -1;
        bool out = false;
    };
    struct Fragment {
        Pfn frame;
        std::uint16_t offset, bytes;
    };
    Result<> lend_chunks(domid_t other);
    bool gather(Packet &, Fragment *, unsigned &count, std::uint32_t in_front) const;
    void release(std::uint16_t id);
    std::uint16_t take_id();
    Slot slots_[slots];
    std::uint16_t free_ids_[slots], free_id_count_ = 0;
    std::int16_t free_chunks_[slots];
    unsigned free_chunk_count_ = 0;
    Pfn chunk_frames_[slots / chunks_each];
    pv::GrantRef chunk_refs_[slots / chunks_each];
    unsigned chunk_frame_count_ = 0;
    pv::GrantReserve grants_;
};

class ReceiveSide {
public:
    // So many frames may be with readers; what comes beyond that is copied, and its page stays lent. A slow reader costs the ring nothing.
    static constexpr unsigned most_held = 2 * slots;
    Result<> open(domid_t other);
    void close();
    pv::SharedFrontRing<netif_rx_sring> ring;
    void refill();
    // Takes at most `budget` packets; false: the other end breaks the rules.
    bool take(unsigned budget, unsigned &done, kernel::net::NetDevice &to);

private:
    struct Lent {
        Pfn frame = no_pfn;
        grant_ref_t ref = 0;
    };
    void lend(std::uint16_t id);
    bool take_piece(netif_rx_response const &, Packet &);
    bool take_extra(netif_extra_info const &);
    void finish(kernel::net::NetDevice &to);
    void drop_packet();
    Lent lent_[slots];
    std::uint16_t free_ids_[slots], free_id_count_ = 0;
    // Which page was lent when: answers come in the order of the requests, and an extra_info does not say whose place it takes.
    std::uint16_t order_[slots];
    std::uint32_t lent_count_ = 0, answered_count_ = 0;
    kernel::Ref<kernel::net::FramePool> pool_;
    pv::GrantReserve grants_;
    // The packet whose answers are being taken.
    Packet packet_;
    std::uint16_t flags_ = 0;
    std::uint16_t train_bytes_ = 0;
    bool bad_ = false, expects_extra_ = false, in_packet_ = false, more_ = false;
};

// A pair of rings. Both ends choose one for each packet; packets of one flow take the same one.
struct Queue {
    TransmitSide sending;
    ReceiveSide receiving;
    pv::EventPort transmit_port, receive_port;  // one and the same where the back end has no split channels
    pv::EventPort &port_of_receive() { return receive_port ? receive_port : transmit_port; }
};
inline constexpr unsigned most_queues = 8;

class Owner {
public:
    virtual void report_soon(char const *what) = 0;  // gives the connection up, on the thread that may sleep

protected:
    ~Owner() = default;
};

class Interface final : public kernel::net::NetDevice {
public:
    explicit Interface(Owner &owner) : NetDevice{Kind::ethernet, "eth%u"}, owner_{&owner} { carrier = false; }
    char const *driver_name() const override { return "netfront"; }
    bool transmit(Packet &) override;
    void flush() override;
    unsigned poll(unsigned budget) override;
    void connect();     // lock held
    void disconnect();  // lock held; ends the queues
    void forget_owner() { owner_ = nullptr; }

    std::unique_ptr<Queue> queues[most_queues];
    unsigned queue_count = 0;
    bool connected = false;

private:
    void broken(char const *what);
    Queue &queue_for(Packet const &);
    bool receive_from(Queue &, unsigned budget, unsigned &done);
    Owner *owner_;
    bool blocked_ = false, failed_ = false;
};

class NetFront final : public xenbus::FrontEnd, public Owner {
public:
    NetFront() = default;
    ~NetFront() override;
    void report_soon(char const *what) override;

protected:
    Result<xenbus::State> offer() override;
    Result<> connect() override;
    void disconnect() override;
    void removed() override;

private:
    Result<> make_interface();
    Result<> open_queue(unsigned number, bool split);
    Result<> publish(bool split);
    Result<> publish_queue(unsigned number, bool split, xenbus::Tx);
    static void report(void *self);
    kernel::Ref<Interface> interface_;
    char const *what_ = nullptr;
    xenbus::WatchThreadWork report_work_{report, this};
};
}  // namespace netfront
