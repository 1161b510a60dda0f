// SPDX-License-Identifier: MIT
// AF_INET and AF_INET6 over loopback: names, connections, options; the host's Linux is the oracle.
#include "inet.hpp"

using namespace posix;
using namespace posix::inet;

TEST(inet, kinds_and_refusals)
{
    CHECK_ERRNO(socket(AF_INET, 77, 0), EINVAL);
    CHECK_ERRNO(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
    CHECK_ERRNO(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    CHECK_ERRNO(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
    int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    CHECK_EQ(number_option(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    CHECK_EQ(number_option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
    CHECK_EQ(number_option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    CHECK_EQ(number_option(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
    CHECK_ERRNO(accept(fd, nullptr, nullptr), EINVAL);
    char c;
    CHECK_ERRNO(recv(fd, &c, 1, 0), ENOTCONN);
    CHECK_ERRNO(send(fd, &c, 1, MSG_NOSIGNAL), EPIPE);
    CHECK_ERRNO(shutdown(fd, SHUT_WR), ENOTCONN);
    Address a;
    CHECK_ERRNO(getpeername(fd, a.get(), &a.length), ENOTCONN);
    CHECK_EQ(events(fd, POLLIN | POLLOUT), POLLOUT | POLLHUP);
    auto any = name_of(fd);
    CHECK_EQ(any.length, sizeof(sockaddr_in));
    CHECK_EQ(any.port(), 0);
}

TEST(inet, bind_rules)
{
    int a = bound(AF_INET, SOCK_STREAM), b = socket(AF_INET, SOCK_STREAM, 0);
    auto name = name_of(a);
    CHECK(name.port() != 0);
    CHECK_ERRNO(bind(b, name.get(), name.length), EADDRINUSE);
    auto again = loopback(AF_INET, 0);
    CHECK_ERRNO(bind(a, again.get(), again.length), EINVAL);
    auto foreign = loopback(AF_INET, 0);
    foreign.v4().sin_addr.s_addr = inet_addr("192.0.2.1");
    CHECK_ERRNO(bind(b, foreign.get(), foreign.length), EADDRNOTAVAIL);
    auto short_one = loopback(AF_INET, 0);
    CHECK_ERRNO(bind(b, short_one.get(), 8), EINVAL);
    short_one.v4().sin_family = AF_INET6;
    CHECK_ERRNO(bind(b, short_one.get(), sizeof(sockaddr_in)), EAFNOSUPPORT);
    set(a, SOL_SOCKET, SO_REUSEADDR, 1);
    set(b, SOL_SOCKET, SO_REUSEADDR, 1);
    CHECK_EQ(bind(b, name.get(), name.length), 0);
    CHECK_EQ(listen(a, 1), 0);
    CHECK_ERRNO(listen(b, 1), EADDRINUSE);
}

TEST(inet, reuse_port_spreads_connections)
{
    int fds[2];
    int port = 0;
    for (int &fd : fds) {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
        auto a = loopback(AF_INET, port);
        CHECK_EQ(bind(fd, a.get(), a.length), 0);
        CHECK_EQ(listen(fd, 64), 0);
        port = name_of(fd).port();
    }
    int clients[40], got[2] = {};
    for (int &c : clients)
        c = connected_to(fds[0]);
    CHECK(eventually([&] {
        for (int i = 0; i < 2; ++i)
            while (accept(fds[i], nullptr, nullptr) >= 0)
                ++got[i];
        return got[0] + got[1] == 40;
    }));
    CHECK(got[0] > 0 && got[1] > 0);
}

TEST(inet, tcp_both_families)
{
    for (int family : {AF_INET, AF_INET6}) {
        auto [client, server] = tcp_pair(family);
        CHECK_EQ(write(client, "hello", 5), 5);
        char b[10] = {};
        CHECK_EQ(recv(server, b, 10, MSG_PEEK), 5);
        int n = 0;
        CHECK_EQ(ioctl(server, FIONREAD, &n), 0);
        CHECK_EQ(n, 5);
        CHECK_EQ(read(server, b, 2), 2);
        CHECK_EQ(read(server, b, 10), 3);
        CHECK_EQ(std::string(b, 3), "llo");
        CHECK_ERRNO(recv(server, b, 1, MSG_DONTWAIT), EAGAIN);
        Address peer, own = name_of(client);
        CHECK_EQ(getpeername(server, peer.get(), &peer.length), 0);
        CHECK_EQ(peer.port(), own.port());
        CHECK_EQ(peer.length, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
        close(client);
        CHECK_EQ(read(server, b, 10), 0);
        close(server);
    }
}

TEST(inet, dual_stack_sees_mapped_addresses)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    CHECK_EQ(bind(fd, reinterpret_cast<sockaddr *>(&any), sizeof any), 0);
    CHECK_EQ(listen(fd, 4), 0);
    int client = connected_to(fd, AF_INET);
    Address peer;
    int server = accept(fd, peer.get(), &peer.length);
    CHECK(server >= 0);
    CHECK_EQ(peer.bytes.ss_family, AF_INET6);
    CHECK(IN6_IS_ADDR_V4MAPPED(&peer.v6().sin6_addr));
    CHECK_EQ(peer.port(), name_of(client).port());
    int only = socket(AF_INET6, SOCK_STREAM, 0);
    set(only, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    CHECK_EQ(bind(only, reinterpret_cast<sockaddr *>(&any), sizeof any), 0);
    CHECK_EQ(listen(only, 4), 0);
    int v4 = socket(AF_INET, SOCK_STREAM, 0);
    auto a = loopback(AF_INET, name_of(only).port());
    CHECK_ERRNO(connect(v4, a.get(), a.length), ECONNREFUSED);
}

TEST(inet, refused_and_again)
{
    int port;
    {
        int l = listener();
        port = name_of(l).port();
        close(l);
    }
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    auto a = loopback(AF_INET, port);
    CHECK_ERRNO(connect(fd, a.get(), a.length), ECONNREFUSED);
    CHECK_EQ(number_option(fd, SOL_SOCKET, SO_ERROR), 0);
    int l = bound(AF_INET, SOCK_STREAM, port);
    CHECK_EQ(listen(l, 1), 0);
    CHECK_EQ(connect(fd, a.get(), a.length), 0);
    CHECK_ERRNO(connect(fd, a.get(), a.length), EISCONN);
}

TEST(inet, nonblocking_connect)
{
    int l = listener();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    auto a = loopback(AF_INET, name_of(l).port());
    if (connect(fd, a.get(), a.length) != 0)
        CHECK_EQ(errno, EINPROGRESS);
    CHECK_EQ(events(fd, POLLOUT, 2000), POLLOUT);
    CHECK_EQ(number_option(fd, SOL_SOCKET, SO_ERROR), 0);
    close(l);
    int gone = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connect(gone, a.get(), a.length) != 0 && errno == EINPROGRESS) {
        CHECK((events(gone, POLLOUT, 2000) & (POLLERR | POLLOUT | POLLHUP)) == (POLLERR | POLLOUT | POLLHUP));
        CHECK_EQ(number_option(gone, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
        CHECK_EQ(number_option(gone, SOL_SOCKET, SO_ERROR), 0);
    }
    int server = listener(), n = 0;
    CHECK_ERRNO(setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &n, sizeof n), EINVAL);
}

TEST(inet, linger_of_zero_resets)
{
    auto [client, server] = tcp_pair();
    linger l{1, 0};
    CHECK_EQ(setsockopt(client, SOL_SOCKET, SO_LINGER, &l, sizeof l), 0);
    close(client);
    CHECK((events(server, POLLIN, 2000) & (POLLIN | POLLERR | POLLHUP)) == (POLLIN | POLLERR | POLLHUP));
    CHECK_EQ(number_option(server, SOL_SOCKET, SO_ERROR), ECONNRESET);
}

TEST(inet, waitall_and_timeouts)
{
    auto [client, server] = tcp_pair();
    timeval t{0, 50'000};
    CHECK_EQ(setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t), 0);
    char b[10];
    CHECK_ERRNO(read(server, b, 10), EAGAIN);
    CHECK_EQ(write(client, "123", 3), 3);
    CHECK_EQ(recv(server, b, 10, MSG_WAITALL), 3);
    int writer = client;
    std::thread late{[writer] {
        usleep(10'000);
        (void)!write(writer, "abc", 3);
        usleep(10'000);
        (void)!write(writer, "def", 3);
    }};
    t = {5, 0};
    CHECK_EQ(setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t), 0);
    CHECK_EQ(recv(server, b, 6, MSG_WAITALL), 6);
    late.join();
    CHECK_EQ(std::string(b, 6), "abcdef");
}

TEST(inet, accept_inherits_and_flags)
{
    int l = socket(AF_INET, SOCK_STREAM, 0);
    set(l, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(l, IPPROTO_TCP, TCP_NODELAY, 1);
    set(l, IPPROTO_TCP, TCP_KEEPIDLE, 77);
    auto a = loopback(AF_INET, 0);
    CHECK_EQ(bind(l, a.get(), a.length), 0);
    CHECK_EQ(listen(l, 5), 0);
    CHECK_EQ(number_option(l, SOL_SOCKET, SO_ACCEPTCONN), 1);
    int client = connected_to(l);
    CHECK_EQ(events(l, POLLIN, 2000), POLLIN);
    int server = accept4(l, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK(server >= 0);
    CHECK_EQ(fcntl(server, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CHECK_EQ(fcntl(server, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(number_option(server, SOL_SOCKET, SO_KEEPALIVE), 1);
    CHECK_EQ(number_option(server, IPPROTO_TCP, TCP_NODELAY), 1);
    CHECK_EQ(number_option(server, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    CHECK_EQ(name_of(server).port(), name_of(l).port());
    close(client);
    int nobody = listener();
    CHECK_EQ(fcntl(nobody, F_SETFL, O_NONBLOCK), 0);
    CHECK_ERRNO(accept(nobody, nullptr, nullptr), EAGAIN);
}

TEST(inet, a_closed_listener_refuses_those_who_waited)
{
    int l = listener(), waiting = connected_to(l);
    close(l);
    char c;
    CHECK_ERRNO(read(waiting, &c, 1), ECONNRESET);
}

TEST(inet, tcp_information)
{
    auto [client, server] = tcp_pair();
    tcp_info info{};
    socklen_t length = sizeof info;
    CHECK_EQ(getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
    CHECK_EQ(info.tcpi_state, TCP_ESTABLISHED);
    CHECK(info.tcpi_snd_mss > 500 && info.tcpi_snd_cwnd > 0 && info.tcpi_rto > 0);
    CHECK(number_option(client, IPPROTO_TCP, TCP_MAXSEG) > 500);
    close(server);
    CHECK(eventually([&, fd = client] {
        length = sizeof info;
        return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 && info.tcpi_state == TCP_CLOSE_WAIT;
    }));
    CHECK_ERRNO(setsockopt(client, IPPROTO_TCP, 9999, &length, sizeof length), ENOPROTOOPT);
}

TEST(inet, other_addresses_of_loopback)
{
    int l = socket(AF_INET, SOCK_STREAM, 0);
    auto a = loopback(AF_INET, 0);
    a.v4().sin_addr.s_addr = inet_addr("127.0.1.1");
    CHECK_EQ(bind(l, a.get(), a.length), 0);
    CHECK_EQ(listen(l, 1), 0);
    auto there = name_of(l);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(connect(fd, there.get(), there.length), 0);
    auto elsewhere = loopback(AF_INET, there.port());
    int refused = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERRNO(connect(refused, elsewhere.get(), elsewhere.length), ECONNREFUSED);
}
