// SPDX-License-Identifier: MIT
// Request and response: one byte there, one byte back. What netperf calls TCP_RR and UDP_RR.
#include "bench.hpp"
#include "network.hpp"
#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <ctime>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace bench::network {
namespace {
sockaddr_in at(std::string const &address, std::uint16_t port)
{
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    check(inet_pton(AF_INET, address.c_str(), &a.sin_addr) == 1, address.c_str());
    return a;
}

int open_socket(bool datagrams)
{
    int fd = socket(AF_INET, datagrams ? SOCK_DGRAM : SOCK_STREAM, 0);
    check(fd >= 0, "socket");
    int on = 1;
    if (!datagrams)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

int serve(bool datagrams, std::uint16_t port, bool only_loopback)
{
    int fd = open_socket(datagrams), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    auto a = at(only_loopback ? "127.0.0.1" : "0.0.0.0", port);
    check(bind(fd, reinterpret_cast<sockaddr *>(&a), sizeof a) == 0, "bind");
    if (!datagrams)
        check(listen(fd, 8) == 0, "listen");
    return fd;
}

void answer_datagram(int fd)
{
    char byte;
    sockaddr_in from;
    socklen_t length = sizeof from;
    if (recvfrom(fd, &byte, 1, 0, reinterpret_cast<sockaddr *>(&from), &length) == 1)
        sendto(fd, &byte, 1, 0, reinterpret_cast<sockaddr *>(&from), length);
}

bool answer_stream(int fd)  // false: the other end is gone
{
    char bytes[256];
    auto n = read(fd, bytes, sizeof bytes);
    return n > 0 && write(fd, bytes, static_cast<std::size_t>(n)) == n;
}

double now_us()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

// A datagram may get lost: false after a second without an answer.
bool transaction(int fd, bool datagrams)
{
    char byte = 'x';
    check(write(fd, &byte, 1) == 1, "a request");
    pollfd wait{fd, POLLIN, 0};
    if (datagrams && poll(&wait, 1, 1000) == 0)
        return false;
    check(read(fd, &byte, 1) == 1, "a response");
    return true;
}
}  // namespace

void answer(std::uint16_t port, bool only_loopback)
{
    std::vector<pollfd> fds{{serve(false, port, only_loopback), POLLIN, 0},
                            {serve(true, port, only_loopback), POLLIN, 0}};
    for (;;) {
        if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR)
            check(false, "poll");
        for (std::size_t i = 2; i < fds.size(); ++i)
            if (fds[i].revents && !answer_stream(fds[i].fd))
                close(std::exchange(fds[i].fd, -1));
        std::erase_if(fds, [](pollfd const &p) { return p.fd < 0; });
        if (fds[1].revents)
            answer_datagram(fds[1].fd);
        if (fds[0].revents) {
            int fd = accept(fds[0].fd, nullptr, nullptr), on = 1;
            check(fd >= 0, "accept");
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            fds.push_back({fd, POLLIN, 0});
        }
    }
}

double transaction_us(bool datagrams, std::string const &address, std::uint16_t port, unsigned seconds)
{
    constexpr unsigned batch = 32, most_lost = 5;
    auto a = at(address, port);
    int fd = open_socket(datagrams);
    for (int tries = 0; connect(fd, reinterpret_cast<sockaddr *>(&a), sizeof a) != 0; ++tries) {
        check(errno == ECONNREFUSED && tries < 100, "connect");
        close(fd);
        usleep(100'000);
        fd = open_socket(datagrams);
    }
    unsigned lost = 0;
    double least = 1e18;
    for (auto const end = now_us() + seconds * 1e6; now_us() < end || least > 1e17;) {
        auto const start = now_us();
        bool complete = true;
        for (unsigned i = 0; i < batch && complete; ++i)
            complete = transaction(fd, datagrams);
        if (complete)
            least = std::min(least, (now_us() - start) / batch);
        else if (++lost > most_lost)
            fail("nobody answers datagrams at " + address);
    }
    close(fd);
    return least;
}
}  // namespace bench::network
