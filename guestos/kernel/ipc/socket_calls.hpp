// SPDX-License-Identifier: MIT
// The socket system calls, for their own numbers and for socketcall(2).
#pragma once
#include <kernel/ipc/socket.hpp>

namespace kernel {
struct SocketPair {
    std::int32_t first, second;
};
Result<std::int32_t> sys_socket(int family, int type, int protocol);
Result<std::int32_t> sys_socketpair(int family, int type, int protocol, UserPtr<SocketPair>);
Result<std::int32_t> sys_bind(int fd, std::uint32_t address, std::int32_t bytes);
Result<std::int32_t> sys_connect(int fd, std::uint32_t address, std::int32_t bytes);
Result<std::int32_t> sys_listen(int fd, int backlog);
Result<std::int32_t> sys_accept4(int fd, std::uint32_t address, UserPtr<std::int32_t> bytes, int flags);
Result<std::int32_t> sys_getsockname(int fd, std::uint32_t address, UserPtr<std::int32_t> bytes);
Result<std::int32_t> sys_getpeername(int fd, std::uint32_t address, UserPtr<std::int32_t> bytes);
Result<std::int32_t> sys_shutdown(int fd, int how);
Result<std::int32_t> sys_setsockopt(int fd, int level, int option, std::uint32_t value, std::int32_t bytes);
Result<std::int32_t> sys_getsockopt(int fd, int level, int option, std::uint32_t value, UserPtr<std::int32_t> bytes);
Result<std::int32_t> sys_sendto(int fd, std::uint32_t data, std::uint32_t n, unsigned flags, std::uint32_t address,
                                std::int32_t bytes);
Result<std::int32_t> sys_recvfrom(int fd, std::uint32_t data, std::uint32_t n, unsigned flags, std::uint32_t address,
                                  UserPtr<std::int32_t> bytes);
Result<std::int32_t> sys_sendmsg(int fd, UserPtr<abi_msghdr>, unsigned flags);
Result<std::int32_t> sys_recvmsg(int fd, UserPtr<abi_msghdr>, unsigned flags);
Result<std::int32_t> sys_sendmmsg(int fd, UserPtr<abi_mmsghdr>, std::uint32_t count, unsigned flags);
// timeout: struct timespec of 32 bits, null for none.
Result<std::int32_t> sys_recvmmsg(int fd, UserPtr<abi_mmsghdr>, std::uint32_t count, unsigned flags,
                                  std::uint32_t timeout);
}  // namespace kernel
