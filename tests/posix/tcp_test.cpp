// SPDX-License-Identifier: MIT
// What goes through TCP connections: much, little, late, nothing any more.
#include "inet.hpp"

using namespace posix;
using namespace posix::inet;

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
        auto const half = static_cast<off_t>(data.size() / 2), all = static_cast<off_t>(data.size());
        while (at < half)
            if (sendfile(client, file, &at, static_cast<std::size_t>(half - at)) <= 0)
                _exit(1);
        int p[2];
        if (pipe(p) != 0)
            _exit(2);
        loff_t from = at;
        while (from < all)
            for (auto n = splice(file, &from, p[1], nullptr, 7000, 0); n;) {
                auto m = splice(p[0], nullptr, client, nullptr, static_cast<std::size_t>(n), SPLICE_F_MORE);
                if (n < 0 || m <= 0)
                    _exit(3);
                n -= m;
            }
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
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}
