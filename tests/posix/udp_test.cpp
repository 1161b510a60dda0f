// SPDX-License-Identifier: MIT
// Datagrams over AF_INET and AF_INET6.
#include "inet.hpp"

using namespace posix;
using namespace posix::inet;

TEST(udp, datagrams)
{
    for (int family : {AF_INET, AF_INET6}) {
        int a = bound(family, SOCK_DGRAM), b = bound(family, SOCK_DGRAM);
        auto to = name_of(b), from = name_of(a);
        CHECK_EQ(sendto(a, "one", 3, 0, to.get(), to.length), 3);
        CHECK_EQ(sendto(a, "", 0, 0, to.get(), to.length), 0);
        CHECK_EQ(sendto(a, "three", 5, 0, to.get(), to.length), 5);
        char text[10] = {};
        Address seen;
        CHECK_EQ(recvfrom(b, text, 10, 0, seen.get(), &seen.length), 3);
        CHECK_EQ(seen.port(), from.port());
        CHECK_EQ(seen.length, from.length);
        CHECK_EQ(recv(b, text, 10, 0), 0);
        int n = 0;
        CHECK_EQ(ioctl(b, FIONREAD, &n), 0);
        CHECK_EQ(n, 5);
        CHECK_EQ(recv(b, text, 2, MSG_TRUNC | MSG_PEEK), 5);
        CHECK_EQ(recv(b, text, 10, 0), 5);
        CHECK_ERRNO(recv(b, text, 10, MSG_DONTWAIT), EAGAIN);
        CHECK_EQ(events(b, POLLIN | POLLOUT), POLLOUT);
    }
}

TEST(udp, connected_sockets)
{
    int a = bound(AF_INET, SOCK_DGRAM), b = bound(AF_INET, SOCK_DGRAM), c = bound(AF_INET, SOCK_DGRAM);
    auto of_a = name_of(a), of_b = name_of(b);
    CHECK_ERRNO(send(a, "x", 1, 0), EDESTADDRREQ);
    CHECK_EQ(connect(a, of_b.get(), of_b.length), 0);
    CHECK_EQ(send(a, "hello", 5, 0), 5);
    char text[10];
    CHECK_EQ(recv(b, text, 10, 0), 5);
    CHECK_EQ(sendto(c, "no", 2, 0, of_a.get(), of_a.length), 2);
    CHECK_EQ(sendto(b, "yes", 3, 0, of_a.get(), of_a.length), 3);
    CHECK_EQ(recv(a, text, 10, 0), 3);
    CHECK_ERRNO(recv(a, text, 10, MSG_DONTWAIT), EAGAIN);
    close(b);
    CHECK_EQ(send(a, "gone", 4, 0), 4);
    CHECK(eventually([&] { return (events(a, POLLIN) & POLLERR) != 0; }));
    CHECK_ERRNO(recv(a, text, 10, MSG_DONTWAIT), ECONNREFUSED);
    sockaddr none{};
    none.sa_family = AF_UNSPEC;
    CHECK_EQ(connect(a, &none, sizeof none), 0);
    Address peer;
    CHECK_ERRNO(getpeername(a, peer.get(), &peer.length), ENOTCONN);
}

TEST(udp, large_datagrams)
{
    int a = bound(AF_INET, SOCK_DGRAM), b = bound(AF_INET, SOCK_DGRAM);
    auto to = name_of(b);
    auto data = pattern(65507);
    CHECK_EQ(sendto(a, data.data(), data.size(), 0, to.get(), to.length), 65507);
    std::string got(70000, 0);
    CHECK_EQ(recv(b, got.data(), got.size(), 0), 65507);
    got.resize(65507);
    CHECK(got == data);
    CHECK_ERRNO(sendto(a, got.data(), 65508, 0, to.get(), to.length), EMSGSIZE);
}

TEST(udp, packet_information_and_ttl)
{
    int a = bound(AF_INET, SOCK_DGRAM), b = bound(AF_INET, SOCK_DGRAM);
    set(b, IPPROTO_IP, IP_PKTINFO, 1);
    set(b, IPPROTO_IP, IP_RECVTTL, 1);
    set(a, IPPROTO_IP, IP_TTL, 42);
    auto to = name_of(b);
    CHECK_EQ(sendto(a, "x", 1, 0, to.get(), to.length), 1);
    char text[10], control[200];
    iovec v{text, sizeof text};
    msghdr m{};
    m.msg_iov = &v;
    m.msg_iovlen = 1;
    m.msg_control = control;
    m.msg_controllen = sizeof control;
    CHECK_EQ(recvmsg(b, &m, 0), 1);
    bool info = false, ttl = false;
    for (auto c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            auto &i = *reinterpret_cast<in_pktinfo *>(CMSG_DATA(c));
            info = i.ipi_addr.s_addr == htonl(INADDR_LOOPBACK) && i.ipi_ifindex == 1;
        }
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL)
            ttl = *reinterpret_cast<int *>(CMSG_DATA(c)) == 42;
    }
    CHECK(info);
    CHECK(ttl);
}

TEST(udp, errors_by_message)
{
    int gone = bound(AF_INET, SOCK_DGRAM), a = bound(AF_INET, SOCK_DGRAM);
    auto to = name_of(gone);
    close(gone);
    set(a, IPPROTO_IP, IP_RECVERR, 1);
    CHECK_EQ(sendto(a, "lost", 4, 0, to.get(), to.length), 4);
    CHECK_EQ(events(a, POLLIN, 2000) & POLLERR, POLLERR);
    char text[10], control[200];
    iovec v{text, sizeof text};
    msghdr m{};
    m.msg_iov = &v;
    m.msg_iovlen = 1;
    m.msg_control = control;
    m.msg_controllen = sizeof control;
    CHECK(recvmsg(a, &m, MSG_ERRQUEUE) >= 0);  // a router need not send the data back
    CHECK_EQ(m.msg_flags & MSG_ERRQUEUE, MSG_ERRQUEUE);
    auto c = CMSG_FIRSTHDR(&m);
    CHECK(c && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR);
    CHECK_ERRNO(recvmsg(a, &m, MSG_ERRQUEUE), EAGAIN);
}

TEST(udp, ports_are_shared_by_consent_only)
{
    int a = bound(AF_INET, SOCK_DGRAM), b = socket(AF_INET, SOCK_DGRAM, 0);
    auto name = name_of(a);
    CHECK_ERRNO(bind(b, name.get(), name.length), EADDRINUSE);
    set(a, SOL_SOCKET, SO_REUSEADDR, 1);
    set(b, SOL_SOCKET, SO_REUSEADDR, 1);
    CHECK_EQ(bind(b, name.get(), name.length), 0);
}

TEST(udp, many_messages_in_a_call)
{
    int a = bound(AF_INET, SOCK_DGRAM), b = bound(AF_INET, SOCK_DGRAM);
    auto to = name_of(b);
    mmsghdr out[3]{}, in[4]{};
    iovec v[4];
    char texts[4][8] = {"one", "two", "three", ""};
    for (int i = 0; i < 3; ++i) {
        v[i] = {texts[i], strlen(texts[i])};
        out[i].msg_hdr.msg_iov = &v[i];
        out[i].msg_hdr.msg_iovlen = 1;
        out[i].msg_hdr.msg_name = to.get();
        out[i].msg_hdr.msg_namelen = to.length;
    }
    CHECK_EQ(sendmmsg(a, out, 3, 0), 3);
    for (int i = 0; i < 4; ++i) {
        v[i] = {texts[i], sizeof texts[i]};
        in[i].msg_hdr.msg_iov = &v[i];
        in[i].msg_hdr.msg_iovlen = 1;
    }
    CHECK_EQ(recvmmsg(b, in, 4, MSG_DONTWAIT, nullptr), 3);
    CHECK_EQ(in[2].msg_len, 5u);
}

// As getaddrinfo(3) asks for the addresses of its answers: one socket, connected to each in turn.
TEST(inet, one_socket_asks_for_sources_of_both_families)
{
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    auto six = loopback(AF_INET6, 9), four = loopback(AF_INET, 9);
    CHECK_EQ(connect(fd, six.get(), six.length), 0);
    auto source = name_of(fd);
    CHECK(IN6_IS_ADDR_LOOPBACK(&source.v6().sin6_addr));
    sockaddr none{};
    none.sa_family = AF_UNSPEC;
    CHECK_EQ(connect(fd, &none, sizeof none), 0);
    source = name_of(fd);
    CHECK(IN6_IS_ADDR_UNSPECIFIED(&source.v6().sin6_addr));
    CHECK_EQ(connect(fd, four.get(), four.length), 0);
    source = name_of(fd);
    CHECK(IN6_IS_ADDR_V4MAPPED(&source.v6().sin6_addr));
    close(fd);
}
