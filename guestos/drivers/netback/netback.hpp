// SPDX-License-Identifier: MIT
// The network back end: for each guest's interface one of ours, vifDOMAIN.NUMBER, a port of the bridge.
//
//   guest's transmit ring --Gather: copied into frames of ours--> receive() --> bridge --> other ports
//   guest's receive ring  <--Scatter: copied into pages it lent-- transmit() <-- bridge
//
// All copies are the hypervisor's (GNTTABOP_copy), many in one hypercall: no page of a guest's is ever mapped here but the two rings,
// so what was checked stays as it was. A guest's requests are taken by turns, so much at a time, and not faster than its rate
// allows; what waits for a guest is limited in packets and bytes.
#pragma once
#include <kernel/net/frame_pool.hpp>
#include <kernel/net/lock.hpp>
#include <kernel/time/timer.hpp>
#include <pvlib/device/back_ring.hpp>
#include <pvlib/device/net_queues.hpp>

namespace netback {
using kernel::net::Packet;

inline constexpr unsigned slots = PV_RING_SLOTS(netif_tx, page_size);
inline constexpr unsigned most_slots = 20;  // of one packet; XEN_NETIF_NR_SLOTS_MIN must be taken

// "rate=10Mb/s@50ms" of xl.cfg, which the toolstack writes as "bytes,microseconds": so many bytes in each interval.
class RateLimit {
public:
    void set(std::uint64_t bytes, std::uint64_t interval_ns);
    bool exhausted(std::uint64_t now);  // false: a packet may go
    void charge(std::uint32_t bytes) { credit_ -= interval_ns_ ? bytes : 0; }
    std::uint64_t next_ns() const { return refilled_ns_ + interval_ns_; }

private:
    std::uint64_t bytes_ = 0, interval_ns_ = 0, refilled_ns_ = 0;
    std::int64_t credit_ = 0;
};

// For tests: packets that get lost, or change places with the next one. In thousandths, of either direction.
struct Mischief {
    std::uint32_t loss = 0, reorder = 0;
    Packet held[2];
};

// From the guest.
class Gather {
public:
    static constexpr unsigned most_held = 2 * slots;  // frames that packets of one guest may hold here
    using Pool = kernel::Ref<kernel::net::FramePool>;
    Result<> open(domid_t guest, grant_ref_t ring_ref, Pool);
    pv::SharedBackRing<netif_tx_sring> ring;
    // Takes packets until `budget` is spent or the ring is empty. False: the guest breaks the rules.
    bool take(unsigned budget, unsigned &spent, RateLimit &, kernel::net::NetDevice &to,
              void (*each)(kernel::net::NetDevice &, Packet));

private:
    struct Part {
        grant_ref_t ref;
        std::uint16_t offset, bytes, id;
    };
    struct Job {  // a packet whose bytes are still to be copied
        Packet data;
        std::uint16_t first_answer, answers;
        unsigned first_copy, copies;
        bool bad;
        std::uint16_t flags, train_bytes;
        std::uint8_t train_type;
    };
    struct Answer {
        std::uint16_t id;
        bool extra;
    };
    static constexpr unsigned most_jobs = 32, most_copies = 128, most_answers = 128;
    enum class Found { packet, nothing, bad_packet, hostile };
    Found read_packet(Part *, unsigned &count, Job &);
    bool read_extras(Job &);
    bool plan(Part const *, unsigned count, std::uint32_t total, Job &);
    void copy_all();
    void finish(kernel::net::NetDevice &to, void (*each)(kernel::net::NetDevice &, Packet));
    Packet checked(Job &);
    domid_t guest_ = 0;
    Pool pool_;
    Job jobs_[most_jobs];
    gnttab_copy copies_[most_copies];
    Answer answers_[most_answers];
    unsigned job_count_ = 0, copy_count_ = 0, answer_count_ = 0;
};

// To the guest.
class Scatter {
public:
    Result<> open(domid_t guest, grant_ref_t ring_ref);
    pv::SharedBackRing<netif_rx_sring> ring;
    enum class Put { done, no_room, hostile };
    Put put(Packet &);
    bool push();  // copies what was put; true: the guest wants to know
    bool more() { return pending_ || ring->more(); }
    std::uint32_t refused = 0;  // packets whose pages the guest had not really lent

private:
    struct Answer {
        netif_rx_response response;
        unsigned first_copy, copies;
        bool extra;
    };
    static constexpr unsigned most_copies = 128, most_answers = 128, most_packets = 64;
    Put take_pages(unsigned needed);
    unsigned pages_for(Packet const &) const;
    void fill(Packet const &);
    void copy_all();
    domid_t guest_ = 0;
    netif_rx_request pages_[most_slots + 1];  // taken from the ring for the next packet
    unsigned pages_taken_ = 0;
    Packet packets_[most_packets];
    gnttab_copy copies_[most_copies];
    Answer answers_[most_answers];
    unsigned packet_count_ = 0, copy_count_ = 0, answer_count_ = 0;
    bool pending_ = false;
};

using Queue = pv::NetQueue<Gather, Scatter>;
inline constexpr unsigned usual_queues = 4;

class Vif final : public pv::NetQueues<Queue> {
public:
    Vif(xenbus::Device &owner, char const *name);
    char const *driver_name() const override { return "netback"; }
    bool transmit(Packet &) override;
    void flush() override;
    unsigned poll(unsigned budget) override;
    void disconnect();  // lock held

    RateLimit rate;  // of all queues together
    Mischief mischief;

private:
    static void arrived(kernel::net::NetDevice &, Packet);
    bool mangle(unsigned direction, Packet &, Packet &second);
    unsigned take_from(Queue &, unsigned budget);
    kernel::Timer refill_timer_{[](kernel::Timer &t) { static_cast<Vif *>(t.context)->request_poll(); }, this};
};

class NetBack final : public xenbus::BackEnd {
protected:
    Result<> prepare() override;
    Result<> connect() override;
    void disconnect() override;
    void retire() override;

private:
    Result<> make_vif();
    Result<> join_bridge();
    Result<> open_queue(unsigned number, unsigned of, Gather::Pool const &);
    void read_limits();
    kernel::Ref<Vif> vif_;
};
}  // namespace netback
