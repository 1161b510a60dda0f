// SPDX-License-Identifier: MIT
#include "host.hpp"
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace {
sockaddr_in loopback(unsigned port)
{
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(static_cast<std::uint16_t>(port));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

// A socket bound to a free port, and the port.
int bound(std::string &port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto a = loopback(0);
    socklen_t length = sizeof a;
    if (bind(fd, reinterpret_cast<sockaddr *>(&a), sizeof a) == 0
        && getsockname(fd, reinterpret_cast<sockaddr *>(&a), &length) == 0)
        port = std::to_string(ntohs(a.sin_port));
    return fd;
}

bool send_all(int fd, std::string const &text)
{
    for (std::size_t sent = 0; sent < text.size();) {
        auto n = send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += static_cast<std::size_t>(n);
    }
    return true;
}

void bound_waits(int fd, double seconds)
{
    timeval limit{static_cast<time_t>(seconds), 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

// Until `end` was seen, or end of file.
std::string receive_until(int fd, std::string const &end)
{
    std::string text;
    char bytes[16384];
    while (end.empty() || text.find(end) == std::string::npos) {
        auto n = recv(fd, bytes, sizeof bytes, 0);
        if (n <= 0)
            break;
        text.append(bytes, static_cast<std::size_t>(n));
    }
    return text;
}
}  // namespace

std::string free_port()
{
    std::string port;
    close(bound(port));
    return port;
}

Server::Server(Answer answer, std::string end_of_request) : answer_{answer}, end_{std::move(end_of_request)}
{
    listener_ = bound(port_);
    listen(listener_, 16);
    thread_ = std::thread{[this] { run(); }};
}

Server::~Server()
{
    over_ = true;
    thread_.join();
    close(listener_);
}

void Server::run()
{
    while (!over_) {
        pollfd p{listener_, POLLIN, 0};
        if (poll(&p, 1, 100) <= 0)
            continue;
        int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        serve(fd);
        close(fd);
    }
}

void Server::serve(int fd)
{
    bound_waits(fd, 60);
    auto request = receive_until(fd, end_);
    if (!send_all(fd, answer_(request)))
        return;
    shutdown(fd, SHUT_WR);
    receive_until(fd, {});
    ++served_;
}

std::string converse(std::string const &port, std::string const &text, double seconds)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bound_waits(fd, seconds);
    auto a = loopback(static_cast<unsigned>(std::stoul(port)));
    std::string answer;
    if (connect(fd, reinterpret_cast<sockaddr *>(&a), sizeof a) == 0 && send_all(fd, text)) {
        shutdown(fd, SHUT_WR);
        answer = receive_until(fd, {});
    }
    close(fd);
    return answer;
}
