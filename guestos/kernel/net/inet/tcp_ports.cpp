// SPDX-License-Identifier: MIT
// Which of TCP's addresses are taken: SO_REUSEADDR and SO_REUSEPORT as socket(7) has them.
#include <kernel/net/inet/ports.hpp>
#include <kernel/net/inet/tcp_socket.hpp>
#include <lwip/priv/tcp_priv.h>

namespace kernel::net {
namespace {
struct Holder {
    bool reuse_address, reuse_port, listening;
    std::uint32_t uid;
};

bool clash(TcpOptions const &wanted, Holder const &h)
{
    bool both_address = wanted.reuse_address && h.reuse_address && !h.listening;
    bool both_port = wanted.reuse_port && h.reuse_port && wanted.owner_uid == h.uid;
    return !both_address && !both_port;
}

bool same_place(tcp_pcb const &p, Endpoint const &e, std::uint32_t device)
{
    return p.local_port == e.port && addresses_overlap(p.local_ip, e.ip)
        && (!p.netif_idx || !device || p.netif_idx == device);
}
}  // namespace

bool tcp_port_taken(Endpoint const &e, TcpOptions const &wanted, std::uint32_t device, TcpConnection const *except)
{
    for (auto list : {tcp_bound_pcbs, tcp_active_pcbs, tcp_tw_pcbs})
        for (auto p = list; p; p = p->next) {
            if (!same_place(*p, e, device))
                continue;
            auto c = connection_of(*p);
            if (c == except && c)
                continue;
            if (!c || clash(wanted, {c->options.reuse_address, c->options.reuse_port, false, c->options.owner_uid}))
                return true;
        }
    for (auto p = tcp_listen_pcbs.listen_pcbs; p; p = p->next) {
        if (!same_place(*reinterpret_cast<tcp_pcb const *>(p), e, device))
            continue;
        auto l = static_cast<TcpListener const *>(p->callback_arg);
        if (!l || clash(wanted, {l->reuse_address, l->reuse_port, true, l->owner_uid}))
            return true;
    }
    return false;
}
}  // namespace kernel::net
