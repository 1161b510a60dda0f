// SPDX-License-Identifier: MIT
// lwIP asks us here (LWIP_HOOK_* in lwipopts.h). All are called with the network lock held.
#ifndef LODGER_LWIP_HOOKS_H
#define LODGER_LWIP_HOOKS_H

#include "lwip/ip_addr.h"
#include "lwip/netif.h"
#include "lwip/tcp.h"

#ifdef __cplusplus
extern "C" {
#endif
struct tcp_hdr;
// net/routes.cpp. The interface to send through (NULL: no route), and the neighbour on it to send to (NULL: the destination).
struct netif *lwip_port_route4(ip4_addr_t const *source, ip4_addr_t const *destination);
ip4_addr_t const *lwip_port_gateway4(struct netif *, ip4_addr_t const *destination);
struct netif *lwip_port_route6(ip6_addr_t const *source, ip6_addr_t const *destination);
ip6_addr_t const *lwip_port_gateway6(struct netif *, ip6_addr_t const *destination);
// RFC 6528: keyed by a secret, so that nobody can guess a connection's numbers from another's.
uint32_t lwip_port_initial_sequence(ip_addr_t const *local_ip, uint16_t local_port, ip_addr_t const *remote_ip,
                                    uint16_t remote_port);
// A segment for this connection or listener: ERR_OK to go on, else it is dropped.
err_t lwip_port_tcp_input(struct tcp_pcb *, struct tcp_hdr *);
#ifdef __cplusplus
}
#endif

#endif
