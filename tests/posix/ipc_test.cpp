// SPDX-License-Identifier: MIT
// Pipes, fifos, unix sockets, poll, select, epoll, eventfd, signalfd.
#include "test.hpp"
#include <csignal>
#include <cstddef>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace posix;

namespace {
struct Pair {
    int a, b;
};
Pair sockets(int type)
{
    int fds[2];
    CHECK_EQ(socketpair(AF_UNIX, type, 0, fds), 0);
    return {fds[0], fds[1]};
}
sockaddr_un address(std::string const &name)
{
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    name.copy(a.sun_path, sizeof a.sun_path);
    return a;
}
socklen_t length(std::string const &name)
{
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (name[0] != 0));
}
int bound(int type, std::string const &name)
{
    int fd = socket(AF_UNIX, type, 0);
    auto a = address(name);
    CHECK_EQ(bind(fd, reinterpret_cast<sockaddr *>(&a), length(name)), 0);
    return fd;
}
int connect_to(int fd, std::string const &name)
{
    auto a = address(name);
    return connect(fd, reinterpret_cast<sockaddr *>(&a), length(name));
}
}  // namespace

TEST(pipes, bytes_in_order_and_end_of_file)
{
    int fds[2];
    CHECK_EQ(pipe(fds), 0);
    CHECK_EQ(write(fds[1], "abc", 3), 3);
    CHECK_EQ(write(fds[1], "def", 3), 3);
    char b[10] = {};
    CHECK_EQ(read(fds[0], b, 4), 4);
    CHECK_EQ(std::string{b}, "abcd");
    int n;
    CHECK_EQ(ioctl(fds[0], FIONREAD, &n), 0);
    CHECK_EQ(n, 2);
    CHECK_EQ(read(fds[0], b, 10), 2);
    close(fds[1]);
    CHECK_EQ(read(fds[0], b, 10), 0);
    CHECK_ERRNO(lseek(fds[0], 0, SEEK_SET), ESPIPE);
}

TEST(pipes, capacity_and_nonblocking)
{
    int fds[2];
    CHECK_EQ(pipe2(fds, O_NONBLOCK), 0);
    char c;
    CHECK_ERRNO(read(fds[0], &c, 1), EAGAIN);
    CHECK_EQ(fcntl(fds[0], F_GETPIPE_SZ), 65536);
    std::string block(1000, 'x');
    int total = 0;
    for (ssize_t n; (n = write(fds[1], block.data(), block.size())) > 0;)
        total += static_cast<int>(n);
    CHECK_EQ(errno, EAGAIN);
    CHECK(total > 60'000 && total <= 65'536);
    pollfd p[] = {{fds[0], POLLIN, 0}, {fds[1], POLLOUT, 0}};
    CHECK_EQ(poll(p, 2, 0), 1);
    CHECK_EQ(p[0].revents, POLLIN);
    CHECK_EQ(fcntl(fds[1], F_SETPIPE_SZ, 131072), 131072);
    CHECK_EQ(write(fds[1], block.data(), block.size()), 1000);
}

TEST(pipes, large_transfers_between_processes)
{
    int fds[2];
    CHECK_EQ(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        std::string data(1'000'000, 0);
        for (std::size_t i = 0; i < data.size(); ++i)
            data[i] = static_cast<char>(i * 7 >> 3);
        _exit(write(fds[1], data.data(), data.size()) == static_cast<ssize_t>(data.size()) ? 0 : 1);
    }
    close(fds[1]);
    std::size_t at = 0;
    char b[3000];
    for (ssize_t n; (n = read(fds[0], b, sizeof b)) > 0;)
        for (ssize_t i = 0; i < n; ++i, ++at)
            CHECK_EQ(b[i], static_cast<char>(at * 7 >> 3));
    CHECK_EQ(at, 1'000'000u);
    int status;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
}

TEST(pipes, small_writes_are_atomic)
{
    int fds[2];
    CHECK_EQ(pipe(fds), 0);
    for (char c : {'a', 'b', 'c'})
        if (fork() == 0) {
            std::string line(4000, c);
            for (int i = 0; i < 20; ++i)
                (void)!write(fds[1], line.data(), line.size());
            _exit(0);
        }
    close(fds[1]);
    char b[4000];
    for (int i = 0; i < 60; ++i) {
        std::size_t got = 0;
        while (got < sizeof b) {
            auto n = read(fds[0], b + got, sizeof b - got);
            CHECK(n > 0);
            got += static_cast<std::size_t>(n);
        }
        for (char c : b)
            CHECK_EQ(c, b[0]);
    }
    while (wait(nullptr) > 0) {}
}

TEST(pipes, fifos_meet_at_open)
{
    CHECK_EQ(mkfifo("fifo", 0600), 0);
    CHECK_ERRNO(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
    int reader = open("fifo", O_RDONLY | O_NONBLOCK);
    CHECK(reader >= 0);
    char c;
    CHECK_EQ(read(reader, &c, 1), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = open("fifo", O_WRONLY);
        _exit(write(fd, "x", 1) == 1 ? 0 : 1);
    }
    CHECK(eventually([&] { return read(reader, &c, 1) == 1; }));
    waitpid(child, nullptr, 0);
    close(reader);
    child = fork();
    if (child == 0)
        _exit(open("fifo", O_RDONLY) >= 0 ? 0 : 1);  // waits for a writer
    usleep(20'000);
    CHECK_EQ(waitpid(child, nullptr, WNOHANG), 0);
    CHECK(open("fifo", O_WRONLY) >= 0);
    int status;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
}

TEST(sockets, stream_pairs)
{
    auto [a, b] = sockets(SOCK_STREAM);
    CHECK_EQ(write(a, "hello", 5), 5);
    char text[10] = {};
    CHECK_EQ(recv(b, text, 10, MSG_PEEK), 5);
    CHECK_EQ(recv(b, text, 2, 0), 2);
    CHECK_EQ(read(b, text, 10), 3);
    CHECK_ERRNO(recv(b, text, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(shutdown(a, SHUT_WR), 0);
    CHECK_EQ(read(b, text, 10), 0);
    CHECK_ERRNO(send(a, "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_EQ(write(b, "back", 4), 4);
    close(b);
    CHECK_EQ(read(a, text, 10), 4);
}

TEST(sockets, datagrams_keep_boundaries)
{
    for (int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
        auto [a, b] = sockets(type);
        CHECK_EQ(send(a, "one", 3, 0), 3);
        CHECK_EQ(send(a, "three", 5, 0), 5);
        char text[10];
        CHECK_EQ(recv(b, text, 10, 0), 3);
        CHECK_EQ(recv(b, text, 2, MSG_TRUNC), 5);
        CHECK_ERRNO(recv(b, text, 10, MSG_DONTWAIT), EAGAIN);
    }
}

TEST(sockets, listen_connect_accept)
{
    int server = bound(SOCK_STREAM, "sock");
    CHECK(S_ISSOCK([] {
        struct stat st;
        stat("sock", &st);
        return st.st_mode;
    }()));
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_ERRNO(connect_to(client, "sock"), ECONNREFUSED);
    CHECK_EQ(listen(server, 5), 0);
    CHECK_ERRNO(connect_to(client, "none"), ENOENT);
    CHECK_EQ(connect_to(client, "sock"), 0);
    CHECK_ERRNO(connect_to(client, "sock"), EISCONN);
    sockaddr_un peer{};
    socklen_t n = sizeof peer;
    int accepted = accept4(server, reinterpret_cast<sockaddr *>(&peer), &n, SOCK_CLOEXEC);
    CHECK(accepted >= 0);
    CHECK_EQ(n, 2u);  // an unnamed peer
    CHECK_EQ(write(client, "x", 1), 1);
    char c;
    CHECK_EQ(read(accepted, &c, 1), 1);
    n = sizeof peer;
    CHECK_EQ(getpeername(client, reinterpret_cast<sockaddr *>(&peer), &n), 0);
    CHECK_EQ(std::string{peer.sun_path}, "sock");
    ucred cred;
    n = sizeof cred;
    CHECK_EQ(getsockopt(accepted, SOL_SOCKET, SO_PEERCRED, &cred, &n), 0);
    CHECK(cred.pid == getpid() && cred.uid == 0);
    int value;
    n = sizeof value;
    CHECK_EQ(getsockopt(accepted, SOL_SOCKET, SO_TYPE, &value, &n), 0);
    CHECK_EQ(value, SOCK_STREAM);
    int late = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_EQ(connect_to(late, "sock"), 0);
    CHECK_EQ(write(late, "y", 1), 1);
    close(late);
    n = sizeof peer;
    int orphan = accept(server, reinterpret_cast<sockaddr *>(&peer), &n);
    CHECK(orphan >= 0);  // though nobody is there any more
    CHECK_EQ(n, 2u);
    CHECK_EQ(read(orphan, &c, 1), 1);
    CHECK_EQ(read(orphan, &c, 1), 0);
    n = sizeof peer;
    CHECK_EQ(getpeername(orphan, reinterpret_cast<sockaddr *>(&peer), &n), 0);
    close(orphan);
    int second = socket(AF_UNIX, SOCK_STREAM, 0);
    auto a = address("sock");
    CHECK_ERRNO(bind(second, reinterpret_cast<sockaddr *>(&a), length("sock")), EADDRINUSE);
    int fd = open("/dev/null", O_RDONLY);
    CHECK_ERRNO(listen(fd, 1), ENOTSOCK);
    CHECK_ERRNO(socket(AF_UNIX, 77, 0), EINVAL);
    CHECK_ERRNO(socket(300, SOCK_STREAM, 0), EAFNOSUPPORT);
}

TEST(sockets, abstract_names)
{
    std::string name{"\0abstract-posix-test", 20};
    int server = bound(SOCK_DGRAM, name);
    int client = socket(AF_UNIX, SOCK_DGRAM, 0);
    auto a = address(name);
    CHECK_EQ(sendto(client, "hi", 2, 0, reinterpret_cast<sockaddr *>(&a), length(name)), 2);
    char text[10];
    CHECK_EQ(recv(server, text, 10, 0), 2);
    close(server);
    CHECK_ERRNO(sendto(client, "hi", 2, 0, reinterpret_cast<sockaddr *>(&a), length(name)), ECONNREFUSED);
}

TEST(sockets, descriptors_travel)
{
    auto [a, b] = sockets(SOCK_STREAM);
    int file = open("f", O_CREAT | O_RDWR, 0644);
    CHECK_EQ(write(file, "through", 7), 7);
    char data = 'd', control[CMSG_SPACE(sizeof(int))] = {};
    iovec iov{&data, 1};
    msghdr m{};
    m.msg_iov = &iov;
    m.msg_iovlen = 1;
    m.msg_control = control;
    m.msg_controllen = sizeof control;
    auto c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(c), &file, sizeof file);
    CHECK_EQ(sendmsg(a, &m, 0), 1);
    close(file);
    std::memset(control, 0, sizeof control);
    m.msg_controllen = sizeof control;
    CHECK_EQ(recvmsg(b, &m, 0), 1);
    c = CMSG_FIRSTHDR(&m);
    CHECK(c && c->cmsg_type == SCM_RIGHTS);
    int received;
    std::memcpy(&received, CMSG_DATA(c), sizeof received);
    char text[10] = {};
    CHECK_EQ(pread(received, text, 10, 0), 7);
    CHECK_EQ(std::string{text}, "through");
}

TEST(sockets, credentials_are_passed_on_request)
{
    auto [a, b] = sockets(SOCK_DGRAM);
    int on = 1;
    CHECK_EQ(setsockopt(b, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    CHECK_EQ(send(a, "x", 1, 0), 1);
    char data, control[100];
    iovec iov{&data, 1};
    msghdr m{};
    m.msg_iov = &iov;
    m.msg_iovlen = 1;
    m.msg_control = control;
    m.msg_controllen = sizeof control;
    CHECK_EQ(recvmsg(b, &m, 0), 1);
    auto c = CMSG_FIRSTHDR(&m);
    CHECK(c && c->cmsg_type == SCM_CREDENTIALS);
    ucred cred;
    std::memcpy(&cred, CMSG_DATA(c), sizeof cred);
    CHECK_EQ(cred.pid, getpid());
}

TEST(poll, readiness_and_hangup)
{
    int fds[2];
    CHECK_EQ(pipe(fds), 0);
    pollfd p[] = {{fds[0], POLLIN, 0}, {fds[1], POLLOUT, 0}, {-1, POLLIN, 0}, {500, POLLIN, 0}};
    CHECK_EQ(poll(p, 4, 0), 2);
    CHECK(p[0].revents == 0 && p[1].revents == POLLOUT && p[2].revents == 0 && p[3].revents == POLLNVAL);
    CHECK_EQ(poll(p, 1, 20), 0);
    pid_t child = fork();
    if (child == 0) {
        usleep(30'000);
        (void)!write(fds[1], "x", 1);
        _exit(0);
    }
    CHECK_EQ(poll(p, 1, 5000), 1);
    waitpid(child, nullptr, 0);
    char c;
    CHECK_EQ(read(fds[0], &c, 1), 1);
    close(fds[1]);
    CHECK_EQ(poll(p, 1, 0), 1);
    CHECK_EQ(p[0].revents, POLLHUP);
    int again[2];
    CHECK_EQ(pipe(again), 0);
    close(again[0]);
    pollfd w{again[1], POLLOUT, 0};
    CHECK_EQ(poll(&w, 1, 0), 1);
    CHECK_EQ(w.revents, POLLOUT | POLLERR);
    int file = open("f", O_CREAT | O_RDWR, 0600);
    pollfd f{file, POLLIN | POLLOUT, 0};
    CHECK_EQ(poll(&f, 1, 0), 1);
    CHECK_EQ(f.revents, POLLIN | POLLOUT);
}

TEST(poll, select_sets_and_timeouts)
{
    int fds[2];
    CHECK_EQ(pipe(fds), 0);
    fd_set r, w;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(fds[0], &r);
    FD_SET(fds[1], &w);
    timeval t{1, 0};
    CHECK_EQ(select(fds[1] + 1, &r, &w, nullptr, &t), 1);
    CHECK(!FD_ISSET(fds[0], &r) && FD_ISSET(fds[1], &w));
    FD_SET(fds[0], &r);
    t = {0, 20'000};
    CHECK_EQ(select(fds[0] + 1, &r, nullptr, nullptr, &t), 0);
    CHECK(t.tv_sec == 0 && t.tv_usec == 0);
    FD_ZERO(&r);
    int closed = dup(fds[0]);
    close(closed);
    FD_SET(closed, &r);
    CHECK_ERRNO(select(closed + 1, &r, nullptr, nullptr, &t), EBADF);
    timespec ts{0, 10'000'000};
    CHECK_EQ(pselect(0, nullptr, nullptr, nullptr, &ts, nullptr), 0);
}

TEST(poll, epoll_level_edge_oneshot)
{
    int ep = epoll_create1(EPOLL_CLOEXEC), fds[2];
    CHECK_EQ(pipe(fds), 0);
    epoll_event e{}, out[4];
    e.events = EPOLLIN;
    e.data.u64 = 0x1234567890;
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &e), 0);
    CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &e), EEXIST);
    CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_MOD, fds[1], &e), ENOENT);
    int file = open("f", O_CREAT | O_RDWR, 0600);
    CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, file, &e), EPERM);
    CHECK_EQ(epoll_wait(ep, out, 4, 0), 0);
    CHECK_EQ(write(fds[1], "x", 1), 1);
    CHECK_EQ(epoll_wait(ep, out, 4, 1000), 1);
    CHECK(out[0].data.u64 == 0x1234567890 && out[0].events == EPOLLIN);
    CHECK_EQ(epoll_wait(ep, out, 4, 0), 1);  // level: still there
    e.events = EPOLLIN | EPOLLET;
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, fds[0], &e), 0);
    CHECK_EQ(epoll_wait(ep, out, 4, 0), 1);
    CHECK_EQ(epoll_wait(ep, out, 4, 0), 0);  // edge: told once
    CHECK_EQ(write(fds[1], "y", 1), 1);
    CHECK_EQ(epoll_wait(ep, out, 4, 1000), 1);
    e.events = EPOLLIN | EPOLLONESHOT;
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_MOD, fds[0], &e), 0);
    CHECK_EQ(epoll_wait(ep, out, 4, 0), 1);
    CHECK_EQ(epoll_wait(ep, out, 4, 0), 0);
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], nullptr), 0);
    pollfd p{ep, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 0), 0);
    e.events = EPOLLIN;
    CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &e), 0);
    CHECK_EQ(poll(&p, 1, 0), 1);  // an epoll can be polled itself
    close(fds[0]);
    CHECK_EQ(epoll_wait(ep, out, 4, 0), 0);  // closing takes it out
}

TEST(poll, eventfd_counts)
{
    int fd = eventfd(3, EFD_NONBLOCK);
    unsigned long long n;
    CHECK_EQ(read(fd, &n, 8), 8);
    CHECK_EQ(n, 3u);
    CHECK_ERRNO(read(fd, &n, 8), EAGAIN);
    n = 5;
    CHECK_EQ(write(fd, &n, 8), 8);
    CHECK_EQ(write(fd, &n, 8), 8);
    CHECK_EQ(read(fd, &n, 8), 8);
    CHECK_EQ(n, 10u);
    int semaphore = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    CHECK_EQ(read(semaphore, &n, 8), 8);
    CHECK_EQ(n, 1u);
    CHECK_ERRNO(read(fd, &n, 4), EINVAL);
}

TEST(poll, signalfd_reads_signals)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    int fd = signalfd(-1, &set, SFD_NONBLOCK);
    signalfd_siginfo info;
    CHECK_ERRNO(read(fd, &info, sizeof info), EAGAIN);
    raise(SIGUSR1);
    pollfd p{fd, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(read(fd, &info, sizeof info), static_cast<ssize_t>(sizeof info));
    CHECK_EQ(info.ssi_signo, static_cast<unsigned>(SIGUSR1));
    CHECK_EQ(info.ssi_pid, static_cast<unsigned>(getpid()));
}
