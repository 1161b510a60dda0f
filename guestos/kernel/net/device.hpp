// SPDX-License-Identifier: MIT
// Network interfaces.
//
//   driver --receive()--> NetDevice --> packet sockets, bridge or lwIP (through `netif`)
//   driver <--transmit()-- NetDevice <-- lwIP, packet sockets, bridge:   send()
//
// A driver's interrupt handler calls request_poll(); the network thread then calls poll() under the network lock, at most `budget`
// packets at a time, so that no interface takes the processor from others or from programs. All else is called under the lock.
#pragma once
#include <boost/intrusive/list.hpp>
#include <kernel/net/packet_queue.hpp>
#include <kernel/ref.hpp>
#include <lwip/netif.h>
#include <span>

namespace kernel::net {
enum Feature : std::uint32_t {  // what a driver takes in transmit()
    feature_scatter = 1,        // packets in several pieces
    feature_checksum = 2,       // blank checksums of TCP and UDP, IPv4 and IPv6
    feature_train4 = 4,         // trains of TCP segments over IPv4, over IPv6; imply the two above
    feature_train6 = 8,
};

struct Counters {
    std::uint64_t rx_packets = 0, rx_bytes = 0, rx_errors = 0, rx_dropped = 0, rx_multicast = 0;
    std::uint64_t tx_packets = 0, tx_bytes = 0, tx_errors = 0, tx_dropped = 0;
};

struct MacAddress {
    std::uint8_t bytes[6] = {};
    bool is_group() const { return bytes[0] & 1; }
    bool operator==(MacAddress const &) const = default;
};
MacAddress random_mac();  // locally administered
struct MacText {          // "00:16:3e:00:00:01"
    char text[18];
    explicit MacText(std::uint8_t const (&)[6]);
};

class Bridge;
class NetDevice;
// Packets of an interface that somebody wants to see: packet sockets.
class Tap : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    virtual void see(NetDevice &, pbuf *, bool outgoing) = 0;

protected:
    ~Tap() = default;
};
using TapList = boost::intrusive::list<Tap, boost::intrusive::constant_time_size<false>>;
TapList &taps_of_all();

class NetDevice : public RefCounted, public boost::intrusive::list_base_hook<> {
public:
    enum class Kind : std::uint8_t { ethernet, loopback };
    static constexpr unsigned name_bytes = 16;
    // `name` may hold one %u, for the first number that is free.
    NetDevice(Kind, char const *name);
    ~NetDevice() override;

    char name[name_bytes];
    Kind const kind;
    std::uint32_t index = 0;  // from 1; 0: not registered
    MacAddress mac;
    std::uint16_t mtu = 1500, most_mtu = 1500;
    std::uint32_t features = 0;
    std::uint32_t queue_limit = 1000;  // packets that wait for the driver, and their bytes
    std::uint32_t queue_byte_limit = 1 << 20;
    bool up = false, carrier = true;
    unsigned promiscuous = 0;  // how many want it so
    Counters counters;
    struct netif netif {};
    Bridge *bridge = nullptr;  // whose port it is
    TapList taps;
    virtual char const *driver_name() const = 0;
    virtual Bridge *as_bridge() { return nullptr; }

    // --- the driver's part ---
    // Takes the packet over, or leaves it where it is and returns false: no room now; transmit_ready() when there is.
    virtual bool transmit(Packet &) = 0;
    virtual void flush() {}  // what transmit() took goes out: one notification for all
    virtual unsigned poll(unsigned /*budget*/)
    {
        return 0;
    }                                        // hands over what was received; fewer than budget: there is no more
    virtual Result<> start() { return {}; }  // the interface comes up
    virtual void stop() {}
    virtual Result<> set_mac(MacAddress const &) { return Error::opnotsupp; }
    virtual void receive_mode_changed() {}  // promiscuous

    // --- for drivers ---
    void request_poll();   // from interrupts too
    void receive(Packet);  // a frame from the wire
    void transmit_ready();
    void set_carrier(bool);
    void set_features(std::uint32_t);  // they may change with what is at the other end

    // --- for everybody else ---
    void send(Packet);  // a whole frame; may wait in the queue, may be dropped
    Result<> bring_up();
    void bring_down();
    Result<> change_mtu(std::uint32_t);
    bool promiscuous_by_hand() const { return promiscuous_by_hand_; }
    void set_promiscuous_by_hand(bool on);  // ifconfig's, besides those of packet sockets and bridges
    Result<> change_mac(MacAddress const &);
    void deliver_locally(Packet);  // to lwIP
    void drain();                  // the lock is about to be released: hand over what is queued, flush
    bool is_loopback() const { return kind == Kind::loopback; }
    unsigned queued() const { return queue_.count(); }
    std::uint32_t queued_bytes() const { return queued_bytes_; }
    static NetDevice &of(struct netif *n) { return *static_cast<NetDevice *>(n->state); }

private:
    friend struct PollList;
    friend struct Registry;
    friend struct Glue;
    void offload(Packet);
    void enqueue(Packet);
    void show_taps(pbuf *, bool outgoing);
    void join_train(Packet);
    void drop_queued();
    PacketQueue queue_;
    std::uint32_t queued_bytes_ = 0;
    Packet train_;  // being put together from single segments
    NetDevice *next_poll_ = nullptr, *next_dirty_ = nullptr;
    bool poll_wanted_ = false, dirty_ = false, driver_dirty_ = false, promiscuous_by_hand_ = false;
};
using NetDeviceList = boost::intrusive::list<NetDevice, boost::intrusive::constant_time_size<false>>;

// Gives it an index and a name of its own. Error::exist: that name is taken; Error::nfile: no more indices.
Result<> register_device(Ref<NetDevice>);
void unregister_device(NetDevice &);  // addresses, routes and its place in a bridge go with it
NetDeviceList &devices();
NetDevice *find_device(char const *name);
NetDevice *find_device(std::uint32_t index);
Result<> rename_device(NetDevice &, char const *name);
NetDevice &loopback();
void loop_to(NetDevice &, Packet);  // the frame arrives there as if from outside, a little later
}  // namespace kernel::net
