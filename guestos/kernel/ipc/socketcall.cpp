// SPDX-License-Identifier: MIT
// socketcall(2): number and address of the arguments, as every glibc program on i386 asks.
#include <kernel/ipc/socket_calls.hpp>
#include <kernel/syscall/syscall.hpp>

namespace kernel {
namespace {
// Numbers: linux/net.h.
enum SocketCall : int {
    call_socket = 1,
    call_bind,
    call_connect,
    call_listen,
    call_accept,
    call_getsockname,
    call_getpeername,
    call_socketpair,
    call_send,
    call_recv,
    call_sendto,
    call_recvfrom,
    call_shutdown,
    call_setsockopt,
    call_getsockopt,
    call_sendmsg,
    call_recvmsg,
    call_accept4,
    call_recvmmsg,
    call_sendmmsg,
};
constexpr unsigned char argument_counts[] = {0, 3, 3, 3, 2, 3, 3, 3, 4, 4, 4, 6, 6, 2, 5, 5, 3, 3, 4, 5, 4};

Result<std::int32_t> message_call(int call, std::uint32_t const (&a)[6])
{
    int fd = static_cast<int>(a[0]);
    switch (call) {
    case call_send: return sys_sendto(fd, a[1], a[2], a[3], 0, 0);
    case call_recv: return sys_recvfrom(fd, a[1], a[2], a[3], 0, {});
    case call_sendto: return sys_sendto(fd, a[1], a[2], a[3], a[4], static_cast<int>(a[5]));
    case call_recvfrom: return sys_recvfrom(fd, a[1], a[2], a[3], a[4], UserPtr<std::int32_t>{a[5]});
    case call_sendmsg: return sys_sendmsg(fd, UserPtr<abi_msghdr>{a[1]}, a[2]);
    case call_recvmsg: return sys_recvmsg(fd, UserPtr<abi_msghdr>{a[1]}, a[2]);
    case call_recvmmsg: return sys_recvmmsg(fd, UserPtr<abi_mmsghdr>{a[1]}, a[2], a[3], a[4]);
    default: return sys_sendmmsg(fd, UserPtr<abi_mmsghdr>{a[1]}, a[2], a[3]);
    }
}

Result<std::int32_t> sys_socketcall(int call, std::uint32_t user)
{
    if (call < call_socket || call > call_sendmmsg)
        return Error::inval;
    std::uint32_t a[6] = {};
    TRY(copy_in(a, Vaddr{user}, argument_counts[call] * sizeof a[0]));
    auto number = [&a](unsigned i) { return static_cast<int>(a[i]); };
    UserPtr<std::int32_t> length{a[2]};
    switch (call) {
    case call_socket: return sys_socket(number(0), number(1), number(2));
    case call_bind: return sys_bind(number(0), a[1], number(2));
    case call_connect: return sys_connect(number(0), a[1], number(2));
    case call_listen: return sys_listen(number(0), number(1));
    case call_accept: return sys_accept4(number(0), a[1], length, 0);
    case call_accept4: return sys_accept4(number(0), a[1], length, number(3));
    case call_getsockname: return sys_getsockname(number(0), a[1], length);
    case call_getpeername: return sys_getpeername(number(0), a[1], length);
    case call_socketpair: return sys_socketpair(number(0), number(1), number(2), UserPtr<SocketPair>{a[3]});
    case call_shutdown: return sys_shutdown(number(0), number(1));
    case call_setsockopt: return sys_setsockopt(number(0), number(1), number(2), a[3], number(4));
    case call_getsockopt: return sys_getsockopt(number(0), number(1), number(2), a[3], UserPtr<std::int32_t>{a[4]});
    default: return message_call(call, a);
    }
}
SYSCALL(socketcall, 102, sys_socketcall);
}  // namespace
}  // namespace kernel
