// SPDX-License-Identifier: MIT
// Sockets in the Linux i386 ABI: numbers and structures that Linux's uapi headers leave to the C library. Sources: socket(2),
// sendmsg(2), cmsg(3), unix(7); asm-generic/socket.h for SO_*, which is used as it is.
#pragma once
#include <stdint.h>

enum abi_address_family {
    abi_af_unspec = 0,
    abi_af_unix = 1,
    abi_af_inet = 2,
    abi_af_inet6 = 10,
    abi_af_netlink = 16,
    abi_af_max = 46
};
enum abi_socket_type {
    abi_sock_stream = 1,
    abi_sock_dgram = 2,
    abi_sock_raw = 3,
    abi_sock_seqpacket = 5,
    abi_sock_type_mask = 0xf
};
enum abi_socket_flags { abi_sock_nonblock = 04000, abi_sock_cloexec = 02000000 };
enum abi_message_flags {
    abi_msg_oob = 0x1,
    abi_msg_peek = 0x2,
    abi_msg_ctrunc = 0x8,
    abi_msg_trunc = 0x20,
    abi_msg_dontwait = 0x40,
    abi_msg_eor = 0x80,
    abi_msg_waitall = 0x100,
    abi_msg_errqueue = 0x2000,
    abi_msg_nosignal = 0x4000,
    abi_msg_more = 0x8000,
    abi_msg_waitforone = 0x10000,
    abi_msg_cmsg_cloexec = 0x40000000,
};
enum abi_shutdown { abi_shut_rd = 0, abi_shut_wr = 1, abi_shut_rdwr = 2 };
enum abi_control_type { abi_scm_rights = 1, abi_scm_credentials = 2 };

struct abi_msghdr {
    uint32_t name;
    int32_t name_bytes;
    uint32_t iov, iov_count, control, control_bytes, flags;
};
struct abi_mmsghdr {
    struct abi_msghdr header;
    uint32_t bytes;
};
struct abi_cmsghdr {
    uint32_t bytes;
    int32_t level, type;
};  // data follow, each header aligned to 4
struct abi_ucred {
    int32_t pid;
    uint32_t uid, gid;
};
struct abi_sockaddr_un {
    uint16_t family;
    char path[108];
};
struct abi_linger {
    int32_t on, seconds;
};

#ifdef __cplusplus
static_assert(sizeof(abi_msghdr) == 28 && sizeof(abi_mmsghdr) == 32 && sizeof(abi_cmsghdr) == 12);
static_assert(sizeof(abi_ucred) == 12 && sizeof(abi_sockaddr_un) == 110);
#endif
