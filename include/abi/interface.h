// SPDX-License-Identifier: MIT
// Network interfaces in the Linux i386 ABI: structures and flags that Linux's uapi headers cannot give without the C library's.
// Sources: netdevice(7), arp(7), rtnetlink(7), linux/if.h, linux/route.h, linux/if_arp.h, linux/ipv6.h.
#pragma once
#include <stdint.h>

enum abi_interface_flags {
    abi_iff_up = 0x1,
    abi_iff_broadcast = 0x2,
    abi_iff_loopback = 0x8,
    abi_iff_running = 0x40,
    abi_iff_noarp = 0x80,
    abi_iff_promisc = 0x100,
    abi_iff_allmulti = 0x200,
    abi_iff_multicast = 0x1000,
    abi_iff_lower_up = 0x10000,
};
enum abi_hardware_type { abi_arphrd_ether = 1, abi_arphrd_loopback = 772 };
enum abi_oper_state { abi_oper_unknown = 0, abi_oper_down = 2, abi_oper_lower_down = 3, abi_oper_up = 6 };

struct abi_sockaddr {
    uint16_t family;
    char data[14];
};
struct abi_ifmap {
    uint32_t mem_start, mem_end;
    uint16_t base_addr;
    uint8_t irq, dma, port, pad[3];
};
struct abi_ifreq {
    char name[16];
    union {
        struct abi_sockaddr address;
        int32_t number;
        int16_t flags;
        char new_name[16];
        uint32_t pointer;
        struct abi_ifmap map;
    } u;
};
struct abi_ifconf {
    int32_t bytes;
    uint32_t buffer;
};
struct abi_in6_ifreq {
    uint32_t address[4], prefix_bits;
    int32_t index;
};
struct abi_rtentry {
    uint32_t pad1;
    struct abi_sockaddr destination, gateway, mask;
    uint16_t flags, pad2;
    uint32_t pad3, pad4;
    int16_t metric;
    uint16_t pad5;
    uint32_t device, mtu, window;
    uint16_t irtt, pad6;
};
struct abi_in6_rtmsg {
    uint32_t destination[4], source[4], gateway[4], type;
    uint16_t destination_bits, source_bits;
    uint32_t metric, info, flags;
    int32_t index;
};
enum abi_route_flags { abi_rtf_up = 1, abi_rtf_gateway = 2, abi_rtf_host = 4 };
struct abi_arpreq {
    struct abi_sockaddr protocol, hardware;
    int32_t flags;
    struct abi_sockaddr mask;
    char device[16];
};
enum abi_arp_flags { abi_atf_complete = 2, abi_atf_permanent = 4 };

#ifdef __cplusplus
static_assert(sizeof(abi_ifreq) == 32 && sizeof(abi_ifconf) == 8 && sizeof(abi_in6_ifreq) == 24);
static_assert(sizeof(abi_rtentry) == 84 && sizeof(abi_in6_rtmsg) == 72 && sizeof(abi_arpreq) == 68);
#endif
