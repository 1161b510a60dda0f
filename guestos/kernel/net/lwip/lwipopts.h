// SPDX-License-Identifier: MIT
// How lwIP is built here (lwip/opt.h explains each option; what is not named keeps its default).
//
// NO_SYS: lwIP has no threads of its own. Whoever calls it holds the network lock (net/lock.hpp); input and timers run in our
// network thread. Sockets are our own (net/inet/), over lwIP's raw API.
#ifndef LODGER_LWIPOPTS_H
#define LODGER_LWIPOPTS_H
// clang-format off

#define NO_SYS                1
#define SYS_LIGHTWEIGHT_PROT  0
#define LWIP_SOCKET           0
#define LWIP_NETCONN          0
#define LWIP_NETIF_API        0
#define LWIP_TIMERS           0  // net/timers.cpp calls the handlers, by real time
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS 1

// --- memory: the kernel's heap, for everything -------------------------------------------------------------------------------
#define MEM_LIBC_MALLOC       1
#define MEMP_MEM_MALLOC       1
#define MEM_ALIGNMENT         4
#define mem_clib_malloc       lwip_port_malloc
#define mem_clib_calloc       lwip_port_calloc
#define mem_clib_free         lwip_port_free
#define PBUF_POOL_SIZE        0
#define PBUF_POOL_BUFSIZE     2048
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define LWIP_PBUF_REF_T       u16_t
// Of our own (net/packet.hpp): net::Checksum, and the payload of each segment if the packet is a train of TCP segments. lwIP leaves
// them as the allocation has them, which is 0.
#define LWIP_PBUF_CUSTOM_DATA u8_t checksum_state; u16_t segment_bytes;
// With MEMP_MEM_MALLOC these are no limits, but some checks of lwIP's want them.
#define MEMP_NUM_TCP_SEG      4096
#define MEMP_NUM_REASSDATA    16

// --- link and internet layer ---------------------------------------------------------------------------------------------------
#define LWIP_IPV4             1
#define LWIP_IPV6             1
#define LWIP_ARP              1
#define ARP_TABLE_SIZE        127
#define ARP_QUEUEING          1
#define ARP_QUEUE_LEN         16
#define ETHARP_SUPPORT_STATIC_ENTRIES 1
#define ETHARP_TABLE_MATCH_NETIF 1
#define LWIP_ICMP             1
#define LWIP_ICMP6            1
#define LWIP_RAW              1
#define LWIP_IGMP             1
#define LWIP_IPV6_MLD         1
#define LWIP_MULTICAST_TX_OPTIONS 1
#define IP_REASSEMBLY         1
#define IP_FRAG               1
#define IP_REASS_MAX_PBUFS    256  // for all datagrams together: bounds what fragments can take
#define LWIP_IPV6_REASS       1
#define LWIP_IPV6_FRAG        1
#define IP_DEFAULT_TTL        64
#define LWIP_ICMP_ECHO_CHECK_INPUT_PBUF_LEN 1
#define LWIP_BROADCAST_PING   0
#define LWIP_MULTICAST_PING   0
#define IP_SOF_BROADCAST      1
#define IP_SOF_BROADCAST_RECV 0
#define LWIP_IPV6_NUM_ADDRESSES 6
#define LWIP_IPV6_AUTOCONFIG  1
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 1
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 1
#define LWIP_ND6_NUM_NEIGHBORS    64
#define LWIP_ND6_NUM_DESTINATIONS 64
#define LWIP_ND6_NUM_PREFIXES     16
#define LWIP_ND6_NUM_ROUTERS      8
#define MEMP_NUM_ND6_QUEUE    64
#define LWIP_DHCP             0  // user space's: udhcpc
#define LWIP_AUTOIP           0
#define LWIP_DNS              0
#define LWIP_IPV6_DHCP6       0
#define IP_FORWARD            0

// --- interfaces ------------------------------------------------------------------------------------------------------------------
// The loopback interface is ours (net/loopback.cpp), like every other.
#define LWIP_HAVE_LOOPIF      0
#define LWIP_NETIF_LOOPBACK   0
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_NETIF_HWADDRHINT 0
#define LWIP_NETIF_TX_SINGLE_PBUF 0
#define LWIP_NUM_NETIF_CLIENT_DATA 0
#define ETH_PAD_SIZE          0

// --- UDP and TCP -----------------------------------------------------------------------------------------------------------------
#define LWIP_UDP              1
#define LWIP_UDPLITE          0
#define SO_REUSE              1
#define SO_REUSE_RXTOALL      1
#define LWIP_TCP              1
#define LWIP_TCP_KEEPALIVE    1
#define LWIP_WND_SCALE        1
#define TCP_RCV_SCALE         4
#define TCP_WND               (512 * 1024)
#define TCP_SND_BUF           (1024 * 1024)
#define TCP_SND_QUEUELEN      8192
#define TCP_SNDLOWAT          1
#define TCP_SNDQUEUELOWAT     1
// The largest segment; an interface's MTU bounds it further. Loopback's is that of a whole IP packet.
#define TCP_MSS               65475
#define TCP_OVERSIZE          0  // data are referred to, never copied
#define TCP_CALCULATE_EFF_SEND_MSS 1
#define TCP_QUEUE_OOSEQ       1
#define TCP_OOSEQ_MAX_BYTES   TCP_WND
#define TCP_OOSEQ_MAX_PBUFS   1024
#define LWIP_TCP_SACK_OUT     1
#define LWIP_TCP_MAX_SACK_NUM 4
#define LWIP_TCP_TIMESTAMPS   0
#define TCP_LISTEN_BACKLOG    1
#define TCP_DEFAULT_LISTEN_BACKLOG 255
#define LWIP_TCP_PCB_NUM_EXT_ARGS 1
#define TCP_MSL               15000UL
#define TCP_MAXRTX            12
#define TCP_SYNMAXRTX         6
// Delayed acknowledgments after at most 50 ms; retransmission is counted in 100 ms.
#define TCP_TMR_INTERVAL      50
#define TCP_WND_UPDATE_THRESHOLD 16384
#define LWIP_TCP_CALC_INITIAL_CWND(mss) ((tcpwnd_size_t)((mss) > 14600 ? (mss)*2 : (mss)*10))
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1  // they compare TCP_WND with pools that do not exist here

// --- checksums: done by the device where it can (net/interface.cpp) ------------------------------------------------------------
#define LWIP_CHECKSUM_ON_COPY 0

// --- statistics for /proc/net/snmp -----------------------------------------------------------------------------------------------
#define LWIP_STATS            1
#define LWIP_STATS_DISPLAY    0
#define MIB2_STATS            1
#define LWIP_STATS_LARGE      1
#define MEM_STATS             0
#define MEMP_STATS            0
#define SYS_STATS             0

// --- where we decide: routes, initial sequence numbers, what listening sockets still take -------------------------------------------
#define LWIP_HOOK_FILENAME               "hooks.h"
#define LWIP_HOOK_IP4_ROUTE_SRC(src, dst) lwip_port_route4(src, dst)
#define LWIP_HOOK_ETHARP_GET_GW(netif, dst) lwip_port_gateway4(netif, dst)
#define LWIP_HOOK_IP6_ROUTE(src, dst)    lwip_port_route6(src, dst)
#define LWIP_HOOK_ND6_GET_GW(netif, dst) lwip_port_gateway6(netif, dst)
#define LWIP_HOOK_TCP_ISN                lwip_port_initial_sequence
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, optlen, opt1len, opt2, p) lwip_port_tcp_input(pcb, header)

#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
void *lwip_port_malloc(size_t bytes);
void *lwip_port_calloc(size_t count, size_t bytes);
void lwip_port_free(void *p);
#ifdef __cplusplus
}
#endif

#endif
