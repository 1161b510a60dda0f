// SPDX-License-Identifier: MIT
// Each socket call by both ways that i386 has: its own number, and socketcall(2), which came first; and both may be mixed.
#include "inet.hpp"
#include <linux/net.h>
#include <sys/syscall.h>

using namespace posix;
using namespace posix::inet;

namespace {
// How the next calls go.
bool by_socketcall = false;

template <class... A>
long call(int number, int part, A... arguments)
{
    if (!by_socketcall)
        return syscall(number, arguments...);
    unsigned long packed[] = {(unsigned long)arguments...};
    return syscall(SYS_socketcall, part, packed);
}

int connected_pair(int &client)
{
    auto server = static_cast<int>(call(__NR_socket, SYS_SOCKET, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(server >= 0);
    auto a = loopback(AF_INET, 0);
    CHECK_EQ(call(__NR_bind, SYS_BIND, server, a.get(), a.length), 0);
    CHECK_EQ(call(__NR_listen, SYS_LISTEN, server, 5), 0);
    CHECK_EQ(call(__NR_getsockname, SYS_GETSOCKNAME, server, a.get(), &a.length), 0);
    CHECK(a.port() != 0);
    client = static_cast<int>(call(__NR_socket, SYS_SOCKET, AF_INET, SOCK_STREAM, 0));
    CHECK_EQ(call(__NR_connect, SYS_CONNECT, client, a.get(), a.length), 0);
    Address peer, own;
    auto accepted = static_cast<int>(
        call(__NR_accept4, SYS_ACCEPT4, server, peer.get(), &peer.length, SOCK_CLOEXEC | SOCK_NONBLOCK));
    CHECK(accepted >= 0);
    CHECK_EQ(fcntl(accepted, F_GETFD), FD_CLOEXEC);
    CHECK(fcntl(accepted, F_GETFL) & O_NONBLOCK);
    CHECK_EQ(call(__NR_getsockname, SYS_GETSOCKNAME, client, own.get(), &own.length), 0);
    CHECK_EQ(own.port(), peer.port());
    CHECK_EQ(call(__NR_getpeername, SYS_GETPEERNAME, client, peer.get(), &peer.length), 0);
    CHECK_EQ(peer.port(), a.port());
    close(server);
    return accepted;
}

void options(int fd)
{
    int on = 1, value = 0;
    socklen_t bytes = sizeof value;
    CHECK_EQ(call(__NR_setsockopt, SYS_SETSOCKOPT, fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on), 0);
    CHECK_EQ(call(__NR_getsockopt, SYS_GETSOCKOPT, fd, SOL_SOCKET, SO_KEEPALIVE, &value, &bytes), 0);
    CHECK_EQ(value, 1);
    CHECK_EQ(bytes, sizeof value);
}

void messages(int from, int to)
{
    char b[16] = {};
    CHECK_EQ(call(__NR_sendto, SYS_SENDTO, from, "one", 3, 0, nullptr, 0), 3);
    CHECK_EQ(events(to, POLLIN, 2000), POLLIN);
    CHECK_EQ(call(__NR_recvfrom, SYS_RECVFROM, to, b, sizeof b, MSG_PEEK, nullptr, nullptr), 3);
    iovec parts[] = {{b, 1}, {b + 8, 7}};
    msghdr m{};
    m.msg_iov = parts;
    m.msg_iovlen = 2;
    CHECK_EQ(call(__NR_recvmsg, SYS_RECVMSG, to, &m, 0), 3);
    CHECK_EQ(std::string(b + 8, 2), "ne");
    iovec more[] = {{b + 8, 2}, {b, 1}};
    m.msg_iov = more;
    CHECK_EQ(call(__NR_sendmsg, SYS_SENDMSG, from, &m, MSG_NOSIGNAL), 3);
    CHECK_EQ(events(to, POLLIN, 2000), POLLIN);
    CHECK_EQ(recv(to, b, sizeof b, 0), 3);
    CHECK_EQ(std::string(b, 3), "neo");
}
}  // namespace

TEST(sockets, by_their_own_numbers_and_by_socketcall)
{
    for (bool way : {false, true}) {
        by_socketcall = way;
        int client;
        int accepted = connected_pair(client);
        options(accepted);
        messages(client, accepted);
        by_socketcall = !way;  // a socket does not know how it was made
        messages(accepted, client);
        by_socketcall = way;
        CHECK_EQ(call(__NR_shutdown, SYS_SHUTDOWN, client, SHUT_WR), 0);
        char b;
        CHECK_EQ(events(accepted, POLLIN, 2000), POLLIN);
        CHECK_EQ(recv(accepted, &b, 1, 0), 0);
        close(client);
        close(accepted);
        int both[2];
        CHECK_EQ(call(__NR_socketpair, SYS_SOCKETPAIR, AF_UNIX, SOCK_SEQPACKET, 0, both), 0);
        messages(both[0], both[1]);
        // An error is an error on either way.
        CHECK_ERRNO(call(__NR_listen, SYS_LISTEN, -1, 1), EBADF);
        CHECK_ERRNO(call(__NR_socket, SYS_SOCKET, 99, SOCK_STREAM, 0), EAFNOSUPPORT);
    }
    by_socketcall = true;
    // Those that have no number of their own here.
    int both[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, both), 0);
    char b[4];
    CHECK_EQ(call(0, SYS_SEND, both[0], "abc", 3, 0), 3);
    CHECK_EQ(call(0, SYS_RECV, both[1], b, sizeof b, 0), 3);
    CHECK_ERRNO(syscall(SYS_socketcall, 0, b), EINVAL);
    CHECK_ERRNO(syscall(SYS_socketcall, 99, b), EINVAL);
    CHECK_ERRNO(syscall(SYS_socketcall, SYS_SOCKET, nullptr), EFAULT);
}

TEST(sockets, epoll_by_level_tells_until_all_is_read)
{
    auto [client, server] = tcp_pair();
    int e = epoll_create1(EPOLL_CLOEXEC);
    epoll_event wanted{EPOLLIN, {.fd = server}}, got{};
    CHECK_EQ(epoll_ctl(e, EPOLL_CTL_ADD, server, &wanted), 0);
    CHECK_EQ(write(client, "ab", 2), 2);
    char b[2];
    for (int i = 0; i < 2; ++i) {
        CHECK_EQ(epoll_wait(e, &got, 1, 2000), 1);
        CHECK_EQ(got.events, EPOLLIN);
        CHECK_EQ(read(server, b, 1), 1);
    }
    CHECK_EQ(epoll_wait(e, &got, 1, 20), 0);
    wanted.events = EPOLLIN | EPOLLOUT;
    CHECK_EQ(epoll_ctl(e, EPOLL_CTL_MOD, server, &wanted), 0);
    for (int i = 0; i < 2; ++i) {
        CHECK_EQ(epoll_wait(e, &got, 1, 2000), 1);
        CHECK_EQ(got.events, EPOLLOUT);
    }
    close(client);
    CHECK_EQ(events(server, POLLIN, 2000), POLLIN);
    CHECK_EQ(epoll_wait(e, &got, 1, 2000), 1);
    CHECK_EQ(got.events, EPOLLIN | EPOLLOUT);
}
