// SPDX-License-Identifier: MIT
// A learning bridge, IEEE 802.1D without the spanning tree: interfaces put together to one network. The bridge is an interface
// itself, by which this machine takes part in it.
//
//   eth0 --port--\                 /-- br0's own address: lwIP
//   vif1.0 --port-- forward(): who is where (Station)
//   vif2.0 --port-/
//
// A port is in promiscuous mode; its own addresses are not used. Loops are not found: do not make any.
#pragma once
#include <kernel/net/device.hpp>

namespace kernel::net {
class Bridge final : public NetDevice {
public:
    explicit Bridge(char const *name);
    ~Bridge() override;
    Bridge *as_bridge() override { return this; }
    char const *driver_name() const override { return "bridge"; }

    Result<> add_port(NetDevice &);     // Error::busy: it is one already; Error::inval, Error::loop: it cannot be one
    Result<> remove_port(NetDevice &);  // Error::inval: it is none of ours
    void remove_all_ports();
    void forward(NetDevice &from, Packet);  // a frame that arrived at a port

    bool transmit(Packet &) override;
    Result<> set_mac(MacAddress const &m) override;

    // Stations that are known: brctl showmacs.
    struct Station {
        MacAddress mac;
        std::uint32_t port = 0;     // interface index; 0: free; `nowhere`
        std::uint64_t seen_ns = 0;  // or when its port went
    };
    // Whose port has gone is not at another one by that: for a while what is for it is dropped, not sent to everybody. A guest's back end that
    // comes back finds the guest's connections alive; QEMU's user network resets each whose segments it is shown.
    static constexpr std::uint32_t nowhere = ~0u;
    static constexpr std::uint64_t away_ns = 30'000'000'000;
    static constexpr unsigned station_slots = 1024;
    Station const &station(unsigned i) const { return stations_[i]; }
    static constexpr std::uint64_t ageing_ns = 300'000'000'000;

private:
    void learn(NetDevice &port, MacAddress const &);
    bool find(MacAddress const &, NetDevice *&port);
    void flood(NetDevice *except, Packet);
    void forget(NetDevice const &port);
    Station *bucket(MacAddress const &);
    bool own_mac_chosen_ = false;
    Station stations_[station_slots];
};
// Error::exist. The bridge is down and has no ports.
Result<Ref<NetDevice>> create_bridge(char const *name);
Result<> delete_bridge(NetDevice &);  // Error::perm: no bridge; Error::busy: it is up
}  // namespace kernel::net
