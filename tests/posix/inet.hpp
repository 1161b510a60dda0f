// SPDX-License-Identifier: MIT
// Sockets on loopback addresses, for the tests of AF_INET and AF_INET6.
#pragma once
#include "test.hpp"
#include <arpa/inet.h>
#include <csignal>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace posix::inet {
struct Address {
    sockaddr_storage bytes{};
    socklen_t length = sizeof bytes;
    sockaddr *get() { return reinterpret_cast<sockaddr *>(&bytes); }
    sockaddr_in &v4() { return reinterpret_cast<sockaddr_in &>(bytes); }
    sockaddr_in6 &v6() { return reinterpret_cast<sockaddr_in6 &>(bytes); }
    int port() { return ntohs(v4().sin_port); }  // at the same place in both
};
inline Address loopback(int family, int port)
{
    Address a;
    if (family == AF_INET) {
        a.v4() = {AF_INET, htons(static_cast<std::uint16_t>(port)), {htonl(INADDR_LOOPBACK)}, {}};
        a.length = sizeof(sockaddr_in);
    } else {
        a.v6().sin6_family = AF_INET6;
        a.v6().sin6_port = htons(static_cast<std::uint16_t>(port));
        a.v6().sin6_addr = in6addr_loopback;
        a.length = sizeof(sockaddr_in6);
    }
    return a;
}
inline Address name_of(int fd)
{
    Address a;
    CHECK_EQ(getsockname(fd, a.get(), &a.length), 0);
    return a;
}
inline int bound(int family, int type, int port = 0)
{
    int fd = socket(family, type, 0);
    CHECK(fd >= 0);
    auto a = loopback(family, port);
    CHECK_EQ(bind(fd, a.get(), a.length), 0);
    return fd;
}
inline int listener(int family = AF_INET)
{
    int fd = bound(family, SOCK_STREAM);
    CHECK_EQ(listen(fd, 16), 0);
    return fd;
}
inline int connected_to(int server, int family = AF_INET)
{
    int fd = socket(family, SOCK_STREAM, 0);
    auto a = loopback(family, name_of(server).port());
    CHECK_EQ(connect(fd, a.get(), a.length), 0);
    return fd;
}
struct Pair {
    int client, server;
};
inline Pair tcp_pair(int family = AF_INET)
{
    int l = listener(family), client = connected_to(l, family), server = accept(l, nullptr, nullptr);
    CHECK(server >= 0);
    close(l);
    return {client, server};
}
inline int number_option(int fd, int level, int option)
{
    int n = -1;
    socklen_t length = sizeof n;
    CHECK_EQ(getsockopt(fd, level, option, &n, &length), 0);
    return n;
}
inline void set(int fd, int level, int option, int value)
{
    CHECK_EQ(setsockopt(fd, level, option, &value, sizeof value), 0);
}
inline short events(int fd, short wanted, int timeout = 0)
{
    pollfd p{fd, wanted, 0};
    CHECK(poll(&p, 1, timeout) >= 0);
    return p.revents;
}
inline std::string pattern(std::size_t n)
{
    std::string s(n, 0);
    for (std::size_t i = 0; i < n; ++i)
        s[i] = static_cast<char>(i * 31 + (i >> 8));
    return s;
}
inline void send_all(int fd, std::string const &s)
{
    for (std::size_t at = 0; at < s.size();) {
        auto n = write(fd, s.data() + at, s.size() - at);
        CHECK(n > 0);
        at += static_cast<std::size_t>(n);
    }
}
inline std::string receive_all(int fd)
{
    std::string all;
    char b[20000];
    for (ssize_t n; (n = read(fd, b, sizeof b)) > 0;)
        all.append(b, static_cast<std::size_t>(n));
    return all;
}
}  // namespace posix::inet
