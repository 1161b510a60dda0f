// SPDX-License-Identifier: MIT
// QEMU's user network listens for each forwarded port with a queue of one connection (libslirp's tcpx_listen). Linux drops what does
// not fit and answers the rest by cookies, so of many connections at once some are only served after many seconds, and some are
// reset. listen(2) may be called again for a longer queue, by whoever has the socket: QEMU is our child, so we may take a
// reference to it.
#include "lodger.hpp"
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lodger {
namespace {
constexpr int queue = 1024;  // the kernel's somaxconn bounds it further
constexpr std::chrono::seconds patience{10};
constexpr int pause_ms = 10;

struct Descriptor {
    int fd;
    explicit Descriptor(long fd_) : fd{static_cast<int>(fd_)} {}
    ~Descriptor()
    {
        if (fd >= 0)
            close(fd);
    }
    Descriptor(Descriptor const &) = delete;
    Descriptor &operator=(Descriptor const &) = delete;
};

bool is_forward(int fd, std::vector<unsigned> const &ports)
{
    int listening = 0;
    socklen_t bytes = sizeof listening;
    sockaddr_in a{};
    socklen_t address_bytes = sizeof a;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &bytes) != 0 || !listening
        || getsockname(fd, reinterpret_cast<sockaddr *>(&a), &address_bytes) != 0 || a.sin_family != AF_INET)
        return false;
    for (auto port : ports)
        if (a.sin_port == htons(static_cast<std::uint16_t>(port)))
            return true;
    return false;
}

// How many of the ports' sockets the process has, with their queues lengthened; -1: this system does not let us.
int lengthen(pid_t process, Descriptor const &handle, std::vector<unsigned> const &ports)
{
    int found = 0;
    std::error_code gone;
    for (auto const &entry : fs::directory_iterator{"/proc/" + std::to_string(process) + "/fd", gone}) {
        std::error_code unreadable;
        if (!fs::read_symlink(entry, unreadable).string().starts_with("socket:"))
            continue;
        Descriptor socket{syscall(SYS_pidfd_getfd, handle.fd, std::atoi(entry.path().filename().c_str()), 0)};
        if (socket.fd < 0 && errno != EBADF)
            return -1;
        if (socket.fd >= 0 && is_forward(socket.fd, ports) && listen(socket.fd, queue) == 0)
            ++found;
    }
    return found;
}
}  // namespace

void lengthen_queues(pid_t process, std::vector<unsigned> const &ports)
{
    if (ports.empty())
        return;
    Descriptor handle{syscall(SYS_pidfd_open, process, 0)};
    if (handle.fd < 0)
        return;
    auto const end = std::chrono::steady_clock::now() + patience;
    int found = 0;
    pollfd ended{handle.fd, POLLIN, 0};
    while (found >= 0 && found < static_cast<int>(ports.size()) && std::chrono::steady_clock::now() < end
           && poll(&ended, 1, pause_ms) == 0)
        found = lengthen(process, handle, ports);
}
}  // namespace lodger
