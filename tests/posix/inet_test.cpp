// SPDX-License-Identifier: MIT
// AF_INET and AF_INET6 over loopback: TCP, UDP, raw; the host's Linux is the oracle.
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

using namespace posix;

namespace {
struct Address {
    sockaddr_storage bytes{};
    socklen_t length = sizeof bytes;
    sockaddr *get() { return reinterpret_cast<sockaddr *>(&bytes); }
    sockaddr_in &v4() { return reinterpret_cast<sockaddr_in &>(bytes); }
    sockaddr_in6 &v6() { return reinterpret_cast<sockaddr_in6 &>(bytes); }
    int port() { return ntohs(v4().sin_port); }  // at the same place in both
};
Address loopback(int family, int port)
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
Address name_of(int fd)
{
    Address a;
    CHECK_EQ(getsockname(fd, a.get(), &a.length), 0);
    return a;
}
int bound(int family, int type, int port = 0)
{
    int fd = socket(family, type, 0);
    CHECK(fd >= 0);
    auto a = loopback(family, port);
    CHECK_EQ(bind(fd, a.get(), a.length), 0);
    return fd;
}
int listener(int family = AF_INET)
{
    int fd = bound(family, SOCK_STREAM);
    CHECK_EQ(listen(fd, 16), 0);
    return fd;
}
int connected_to(int server, int family = AF_INET)
{
    int fd = socket(family, SOCK_STREAM, 0);
    auto a = loopback(family, name_of(server).port());
    CHECK_EQ(connect(fd, a.get(), a.length), 0);
    return fd;
}
struct Pair {
    int client, server;
};
Pair tcp_pair(int family = AF_INET)
{
    int l = listener(family), client = connected_to(l, family), server = accept(l, nullptr, nullptr);
    CHECK(server >= 0);
    close(l);
    return {client, server};
}
int number_option(int fd, int level, int option)
{
    int n = -1;
    socklen_t length = sizeof n;
    CHECK_EQ(getsockopt(fd, level, option, &n, &length), 0);
    return n;
}
void set(int fd, int level, int option, int value) { CHECK_EQ(setsockopt(fd, level, option, &value, sizeof value), 0); }
short events(int fd, short wanted, int timeout = 0)
{
    pollfd p{fd, wanted, 0};
    CHECK(poll(&p, 1, timeout) >= 0);
    return p.revents;
}
std::string pattern(std::size_t n)
{
    std::string s(n, 0);
    for (std::size_t i = 0; i < n; ++i)
        s[i] = static_cast<char>(i * 31 + (i >> 8));
    return s;
}
void send_all(int fd, std::string const &s)
{
    for (std::size_t at = 0; at < s.size();) {
        auto n = write(fd, s.data() + at, s.size() - at);
        CHECK(n > 0);
        at += static_cast<std::size_t>(n);
    }
}
std::string receive_all(int fd)
{
    std::string all;
    char b[20000];
    for (ssize_t n; (n = read(fd, b, sizeof b)) > 0;)
        all.append(b, static_cast<std::size_t>(n));
    return all;
}
}  // namespace

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

TEST(inet, large_transfers_both_ways)
{
    auto [client, server] = tcp_pair();
    std::string const out = pattern(3'000'001), back = pattern(1'234'567);
    pid_t child = fork();
    if (child == 0) {
        close(client);
        std::string got(out.size(), 0);
        for (std::size_t at = 0; at < got.size();) {
            auto n = read(server, got.data() + at, got.size() - at);
            if (n <= 0)
                _exit(1);
            at += static_cast<std::size_t>(n);
        }
        if (got != out)
            _exit(2);
        send_all(server, back);
        shutdown(server, SHUT_WR);
        _exit(read(server, got.data(), 1) == 0 ? 0 : 3);
    }
    close(server);
    send_all(client, out);
    CHECK(receive_all(client) == back);
    close(client);
    int status;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
}

TEST(inet, many_small_writes_arrive_in_order)
{
    auto [client, server] = tcp_pair();
    set(client, IPPROTO_TCP, TCP_NODELAY, 1);
    std::string all;
    for (int i = 0; i < 3000; ++i) {
        auto piece = std::to_string(i) + ",";
        CHECK_EQ(send(client, piece.data(), piece.size(), MSG_DONTWAIT), static_cast<ssize_t>(piece.size()));
        all += piece;
    }
    close(client);
    CHECK(receive_all(server) == all);
}

TEST(inet, a_full_window_stops_the_sender)
{
    auto [client, server] = tcp_pair();
    CHECK_EQ(fcntl(client, F_SETFL, O_NONBLOCK), 0);
    std::string block(10000, 'x');
    std::size_t total = 0;
    for (ssize_t n; (n = write(client, block.data(), block.size())) > 0;)
        total += static_cast<std::size_t>(n);
    CHECK_EQ(errno, EAGAIN);
    CHECK(total > 60000);
    CHECK_EQ(events(client, POLLOUT), 0);
    std::size_t got = 0;
    std::string b(20000, 0);
    while (got < total) {
        auto n = read(server, b.data(), b.size());
        CHECK(n > 0);
        got += static_cast<std::size_t>(n);
    }
    CHECK_EQ(events(client, POLLOUT, 2000), POLLOUT);
    int left = -1;
    CHECK(eventually([&] { return ioctl(client, TIOCOUTQ, &left) == 0 && left == 0; }));
}

TEST(inet, shutdown_and_broken_pipes)
{
    auto [client, server] = tcp_pair();
    CHECK_EQ(shutdown(client, SHUT_WR), 0);
    char c = 'x';
    CHECK_ERRNO(send(client, &c, 1, MSG_NOSIGNAL), EPIPE);
    CHECK_EQ(events(server, POLLIN | POLLRDHUP, 2000), POLLIN | POLLRDHUP);
    CHECK_EQ(read(server, &c, 1), 0);
    CHECK_EQ(write(server, "late", 4), 4);
    char b[10];
    CHECK_EQ(read(client, b, 10), 4);
    close(server);
    CHECK_EQ(read(client, b, 10), 0);
    CHECK_EQ(in_child([] {
                 auto [a, z] = tcp_pair();
                 close(z);
                 for (int i = 0; i < 100; ++i) {
                     (void)!write(a, "x", 1);
                     usleep(1000);
                 }
             }),
             SIGPIPE);
}

TEST(inet, unread_data_reset_the_connection)
{
    auto [client, server] = tcp_pair();
    CHECK_EQ(write(client, "unread", 6), 6);
    CHECK_EQ(events(server, POLLIN, 2000), POLLIN);
    close(server);
    char c;
    CHECK_ERRNO(read(client, &c, 1), ECONNRESET);
    CHECK_EQ(read(client, &c, 1), 0);
    CHECK_ERRNO(send(client, &c, 1, MSG_NOSIGNAL), EPIPE);
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

TEST(inet, cork_and_more_hold_back)
{
    auto [client, server] = tcp_pair();
    set(client, IPPROTO_TCP, TCP_CORK, 1);
    CHECK_EQ(write(client, "abc", 3), 3);
    CHECK_EQ(events(server, POLLIN, 20), 0);
    set(client, IPPROTO_TCP, TCP_CORK, 0);
    CHECK_EQ(events(server, POLLIN, 2000), POLLIN);
    char b[10];
    CHECK_EQ(read(server, b, 10), 3);
    CHECK_EQ(send(client, "de", 2, MSG_MORE), 2);
    CHECK_EQ(events(server, POLLIN, 20), 0);
    CHECK_EQ(send(client, "f", 1, 0), 1);
    CHECK_EQ(events(server, POLLIN, 2000), POLLIN);
    CHECK_EQ(recv(server, b, 3, MSG_WAITALL), 3);
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

TEST(inet, edge_triggered_epoll)
{
    auto [client, server] = tcp_pair();
    int e = epoll_create1(0);
    epoll_event wanted{EPOLLIN | EPOLLET | EPOLLRDHUP, {.fd = server}}, got{};
    CHECK_EQ(epoll_ctl(e, EPOLL_CTL_ADD, server, &wanted), 0);
    CHECK_EQ(epoll_wait(e, &got, 1, 0), 0);
    CHECK_EQ(write(client, "ab", 2), 2);
    CHECK_EQ(epoll_wait(e, &got, 1, 2000), 1);
    CHECK_EQ(got.events, EPOLLIN);
    CHECK_EQ(epoll_wait(e, &got, 1, 20), 0);  // no edge
    CHECK_EQ(write(client, "c", 1), 1);
    CHECK_EQ(epoll_wait(e, &got, 1, 2000), 1);
    char b[10];
    CHECK_EQ(read(server, b, 10), 3);
    close(client);
    CHECK_EQ(epoll_wait(e, &got, 1, 2000), 1);
    CHECK_EQ(got.events, EPOLLIN | EPOLLRDHUP);
}

TEST(inet, sendfile_and_splice)
{
    auto [client, server] = tcp_pair();
    auto data = pattern(100'000);
    int file = open("data", O_RDWR | O_CREAT, 0600);
    send_all(file, data);
    pid_t child = fork();
    if (child == 0) {
        close(server);
        off_t at = 0;
        while (at < static_cast<off_t>(data.size()))
            if (sendfile(client, file, &at, data.size()) <= 0)
                _exit(1);
        _exit(0);
    }
    close(client);
    int p[2];
    CHECK_EQ(pipe(p), 0);
    std::string got;
    char b[5000];
    for (ssize_t n; (n = splice(server, nullptr, p[1], nullptr, sizeof b, 0)) > 0;)
        while (n > 0) {
            auto m = read(p[0], b, static_cast<std::size_t>(n));
            CHECK(m > 0);
            got.append(b, static_cast<std::size_t>(m));
            n -= m;
        }
    CHECK(got == data);
    waitpid(child, nullptr, 0);
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
