// SPDX-License-Identifier: MIT
// Between our interfaces and lwIP's: struct netif, its functions, its addresses.
#include <bit>
#include <cstring>
#include <kernel/net/admit.hpp>
#include <kernel/net/interface.hpp>
#include <kernel/net/notify.hpp>
#include <kernel/net/routes.hpp>
#include <kernel/net/thread.hpp>
#include <kernel/net/train.hpp>
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/igmp.h>
#include <lwip/ip.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <netif/ethernet.h>

namespace kernel::net {
namespace {
constexpr u16_t transport_checks = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;
constexpr u16_t transport_sums = NETIF_CHECKSUM_GEN_TCP | NETIF_CHECKSUM_GEN_UDP;

// A packet as it leaves lwIP, which keeps it for retransmission and may give up its data meanwhile: what lies in send buffers is
// held by page, behind headers of our own. Others are only shared: lwIP leaves them alone while they are.
Packet leave(pbuf *p, std::uint32_t header)
{
    for (auto piece = p->next; piece; piece = piece->next)
        if (!(piece->type_internal & PBUF_TYPE_FLAG_STRUCT_DATA_CONTIGUOUS) && !(piece->flags & PBUF_FLAG_IS_CUSTOM))
            return with_own_headers(Packet::share(p), header);
    return Packet::share(p);
}

// To this machine itself no header is put before the packet, and no checksum is needed.
err_t output_to_self(struct netif *, pbuf *p)
{
    auto packet = leave(p, p->len);
    if (!packet)
        return ERR_MEM;
    packet.set_checksum(Checksum::good);
    loopback().send(std::move(packet));
    return ERR_OK;
}
err_t output_to_self4(struct netif *n, pbuf *p, ip4_addr_t const *) { return output_to_self(n, p); }
err_t output_to_self6(struct netif *n, pbuf *p, ip6_addr_t const *) { return output_to_self(n, p); }

// Link-local addresses are routed by their interface, one's own too.
err_t output_ethernet6(struct netif *n, pbuf *p, ip6_addr_t const *to)
{
    return netif_get_ip6_addr_match(n, to) >= 0 ? output_to_self(n, p) : ethip6_output(n, p, to);
}

// A multicast packet whose sender wants it back.
void loop_back(NetDevice &d, pbuf *p)
{
    auto copy = allocate_packet(PBUF_RAW, p->tot_len);
    if (!copy)
        return;
    pbuf_copy_partial(p, copy->payload, p->tot_len, 0);
    copy.set_checksum(Checksum::good);
    loop_to(d, std::move(copy));
}

err_t link_output(struct netif *n, pbuf *p)
{
    auto &d = NetDevice::of(n);
    if (p->flags & PBUF_FLAG_MCASTLOOP)
        loop_back(d, p);
    auto packet = leave(p, p->len);
    if (packet && (n->chksum_flags & transport_sums) != transport_sums)
        packet = with_blank_checksum(std::move(packet));
    if (!packet)
        return ERR_MEM;
    d.send(std::move(packet));
    return ERR_OK;
}

// lwIP is to take this packet's checksum as right.
void trust(struct netif &n, bool trusted)
{
    n.chksum_flags = static_cast<u16_t>(trusted ? n.chksum_flags & ~transport_checks : n.chksum_flags | transport_checks);
}
}  // namespace

// lwIP's functions for an interface; it calls init while it adds it.
struct Glue {
    static err_t init(struct netif *n)
    {
        auto &d = NetDevice::of(n);
        n->name[0] = d.name[0];
        n->name[1] = d.name[1];
        n->mtu = d.mtu;
        if (d.is_loopback()) {
            n->output = output_to_self4;
            n->output_ip6 = output_to_self6;
            n->chksum_flags = static_cast<u16_t>(n->chksum_flags & ~transport_sums);
            n->flags = NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
        } else {
            n->hwaddr_len = sizeof d.mac.bytes;
            std::memcpy(n->hwaddr, d.mac.bytes, sizeof d.mac.bytes);
            n->output = etharp_output;
            n->output_ip6 = output_ethernet6;
            n->linkoutput = link_output;
            n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
            if (d.features & feature_checksum)
                n->chksum_flags = static_cast<u16_t>(n->chksum_flags & ~transport_sums);
        }
        if (d.carrier)
            n->flags |= NETIF_FLAG_LINK_UP;
        return ERR_OK;
    }
};

Result<> attach_to_lwip(NetDevice &d)
{
    if (!netif_add_noaddr(&d.netif, &d, Glue::init, d.is_loopback() ? ip_input : ethernet_input))
        return Error::nomem;
    d.netif.num = static_cast<u8_t>(d.index - 1);  // lwIP's index, which is its number + 1, is ours
    return {};
}

void detach_from_lwip(NetDevice &d)
{
    set_address(d, {});
    netif_remove(&d.netif);
}

void NetDevice::deliver_locally(Packet p)
{
    p = admitted(std::move(p), !is_loopback());
    if (!p) {
        ++counters.rx_dropped;
        return;
    }
    trust(netif, p.checksum() != Checksum::unknown);
    auto raw = p.release();
    if (netif.input(raw, &netif) != ERR_OK)
        pbuf_free(raw);
}

void NetDevice::set_features(std::uint32_t f)
{
    features = f;
    netif.chksum_flags = static_cast<u16_t>(f & feature_checksum ? netif.chksum_flags & ~transport_sums
                                                                 : netif.chksum_flags | transport_sums);
}

// --- addresses ---------------------------------------------------------------------------------------------------------------------

unsigned bits_of_mask(ip4_addr_t m) { return static_cast<unsigned>(std::popcount(m.addr)); }

ip4_addr_t mask_of_bits(unsigned bits) { return {lwip_htonl(bits ? ~0u << (32 - bits) : 0)}; }

unsigned Address4::prefix_bits() const { return bits_of_mask(mask); }

Address4 address_of(NetDevice const &d)
{
    Address4 a{*netif_ip4_addr(&d.netif), *netif_ip4_netmask(&d.netif), {}};
    a.broadcast.addr = a.local.addr | ~a.mask.addr;
    return a;
}

namespace {
constexpr std::uint8_t protocol_kernel = 2, scope_link = 253;

void connect_route(NetDevice &d, Address4 const &a)
{
    if (d.is_loopback() || a.prefix_bits() == 32)
        return;
    Route r;
    ip_addr_set_ip4_u32_val(r.destination, a.local.addr & a.mask.addr);
    r.prefix_bits = static_cast<std::uint8_t>(a.prefix_bits());
    ip_addr_copy_from_ip4(r.source, a.local);
    ip_addr_set_any_val(false, r.gateway);
    r.protocol = protocol_kernel;
    r.scope = scope_link;
    r.device = &d;
    (void)add_route(r, true);
}
}  // namespace

void set_address(NetDevice &d, Address4 const &a)
{
    auto old = address_of(d);
    if (old.is_set()) {
        remove_routes_of(d, true);
        ip_addr_t gone;
        ip_addr_copy_from_ip4(gone, old.local);
        if (!a.is_set() || a.local.addr != old.local.addr)
            notify_address(d, gone, old.prefix_bits(), true);
    }
    ip4_addr_t none{};
    netif_set_addr(&d.netif, &a.local, &a.mask, &none);
    if (!a.is_set())
        return;
    if (d.up)
        connect_route(d, a);
    ip_addr_t now;
    ip_addr_copy_from_ip4(now, a.local);
    notify_address(d, now, a.prefix_bits(), false);
}

void interface_came_up(NetDevice &d)
{
    auto a = address_of(d);
    if (a.is_set())
        connect_route(d, a);
    if (d.is_loopback() || d.bridge)
        return;
    if (ip6_addr_isinvalid(netif_ip6_addr_state(&d.netif, 0)))
        netif_create_ip6_linklocal_address(&d.netif, 1);
    netif_set_ip6_autoconfig_enabled(&d.netif, 1);
    timers_changed();
}

void interface_goes_down(NetDevice &d)
{
    remove_routes_of(d);
    if (d.is_loopback())
        return;
    netif_set_ip6_autoconfig_enabled(&d.netif, 0);
    for (unsigned i = 0; i < LWIP_IPV6_NUM_ADDRESSES; ++i)
        netif_ip6_addr_set_state(&d.netif, static_cast<s8_t>(i), IP6_ADDR_INVALID);
}

// lwIP's own policy: an address that is configured by hand has a subnet of 64 bits.
unsigned prefix_bits6(NetDevice const &d, unsigned) { return d.is_loopback() ? 128 : 64; }

Result<> add_address6(NetDevice &d, ip6_addr_t const &a, unsigned prefix_bits)
{
    if (!d.is_loopback() && prefix_bits != 64 && prefix_bits != 128)
        return Error::opnotsupp;
    if (netif_get_ip6_addr_match(&d.netif, &a) >= 0)
        return Error::exist;
    s8_t slot = -1;
    if (ip6_addr_islinklocal(&a) && ip6_addr_isinvalid(netif_ip6_addr_state(&d.netif, 0))) {
        netif_ip6_addr_set(&d.netif, 0, &a);
        slot = 0;
    } else if (netif_add_ip6_address(&d.netif, &a, &slot) != ERR_OK) {
        return Error::nospc;
    }
    netif_ip6_addr_set_state(&d.netif, slot, d.is_loopback() ? IP6_ADDR_PREFERRED : IP6_ADDR_TENTATIVE);
    ip_addr_t now;
    ip_addr_copy_from_ip6(now, a);
    notify_address(d, now, prefix_bits, false);
    return {};
}

Result<> remove_address6(NetDevice &d, ip6_addr_t const &a)
{
    auto slot = netif_get_ip6_addr_match(&d.netif, &a);
    if (slot < 0)
        return Error::addrnotavail;
    netif_ip6_addr_set_state(&d.netif, slot, IP6_ADDR_INVALID);
    ip_addr_t gone;
    ip_addr_copy_from_ip6(gone, a);
    notify_address(d, gone, prefix_bits6(d, static_cast<unsigned>(slot)), true);
    return {};
}

NetDevice *owner_of(ip4_addr_t const &a)
{
    if (is_loopback4(a))
        return &loopback();
    for (auto &d : devices())
        if (a.addr && netif_ip4_addr(&d.netif)->addr == a.addr)
            return &d;
    return nullptr;
}

NetDevice *owner_of(ip6_addr_t const &a)
{
    for (auto &d : devices())
        if (netif_get_ip6_addr_match(&d.netif, &a) >= 0)
            return &d;
    return nullptr;
}
}  // namespace kernel::net
