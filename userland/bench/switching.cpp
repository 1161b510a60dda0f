// SPDX-License-Identifier: MIT
// Two or more that wait for each other: context switches, pipes, sockets, futexes.
#include "bench.hpp"
#include <asm/unistd.h>
#include <csignal>
#include <linux/futex.h>
#include <numeric>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace bench {
namespace {
struct Pipe {
    Pipe() { check(pipe(end) == 0, "pipe"); }
    int end[2];
    void pass() const
    {
        char c = 0;
        check(write(end[1], &c, 1) == 1, "write to a pipe");
    }
    bool take() const
    {
        char c;
        return read(end[0], &c, 1) == 1;
    }
};

// The child runs body(), which ends when its input does, or is killed.
template <class F>
pid_t helper(F body)
{
    auto pid = fork();
    check(pid >= 0, "fork");
    if (pid == 0) {
        body();
        _exit(0);
    }
    return pid;
}

void end_helper(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
}

// lmbench's lat_ctx: a token goes round a ring of processes; each reads through its own working set before it passes it on.
// One operation is one hop: a read, a write, the working set and one switch.
struct Ring {
    Ring(unsigned processes, unsigned kilobytes) : data(kilobytes * 256 + 1), pipes(processes)
    {
        for (unsigned i = 1; i < processes; ++i)
            children.push_back(helper([this, i] {
                while (pipes[i].take())
                    hop((i + 1) % pipes.size());
            }));
        run(processes * 2);
    }
    ~Ring()
    {
        for (auto c : children)
            end_helper(c);
        for (auto &p : pipes)
            close(p.end[0]), close(p.end[1]);
    }
    void hop(std::size_t to)
    {
        auto volatile sum = std::accumulate(data.begin(), data.end(), 0u);
        static_cast<void>(sum);
        pipes[to].pass();
    }
    void run(unsigned n)
    {
        for (n /= static_cast<unsigned>(pipes.size()); n; --n) {
            hop(1 % pipes.size());
            check(pipes[0].take(), "read from a pipe");
        }
    }
    std::vector<unsigned> data;
    std::vector<Pipe> pipes;
    std::vector<pid_t> children;
};
Row<Ring> const ring_2_0{"hop 2p/0k", 40, 2u, 0u};
Row<Ring> const ring_2_16{"hop 2p/16k", 20, 2u, 16u};
Row<Ring> const ring_8_16{"hop 8p/16k", 16, 8u, 16u};
Row<Ring> const ring_16_16{"hop 16p/16k", 16, 16u, 16u};
// The same with nobody to switch to: what is subtracted for the table's "context switch".
Row<Ring> const alone_0{"hop alone/0k", 100, 1u, 0u};
Row<Ring> const alone_16{"hop alone/16k", 40, 1u, 16u};

// There and back.
template <class Channel>
struct RoundTrip {
    RoundTrip()
        : child{helper([this] {
              while (channel.child_takes())
                  channel.child_passes();
          })}
    {
    }
    ~RoundTrip() { end_helper(child); }
    void run(unsigned n)
    {
        for (; n; --n) {
            channel.parent_passes();
            check(channel.parent_takes(), "read");
        }
    }
    Channel channel;
    pid_t child;
};

struct TwoPipes {
    ~TwoPipes()
    {
        for (int fd : {there.end[0], there.end[1], back.end[0], back.end[1]})
            close(fd);
    }
    void parent_passes() { there.pass(); }
    bool child_takes() { return there.take(); }
    void child_passes() { back.pass(); }
    bool parent_takes() { return back.take(); }
    Pipe there, back;
};
Row<RoundTrip<TwoPipes>> const pipe_row{"pipe latency", 20};

struct UnixSocket {
    UnixSocket() { check(socketpair(AF_UNIX, SOCK_STREAM, 0, end) == 0, "socketpair"); }
    ~UnixSocket() { close(end[0]), close(end[1]); }
    static void pass(int fd)
    {
        char c = 0;
        check(write(fd, &c, 1) == 1, "write to a socket");
    }
    static bool take(int fd)
    {
        char c;
        return read(fd, &c, 1) == 1;
    }
    void parent_passes() { pass(end[0]); }
    bool child_takes() { return take(end[1]); }
    void child_passes() { pass(end[1]); }
    bool parent_takes() { return take(end[0]); }
    int end[2];
};
Row<RoundTrip<UnixSocket>> const unix_row{"unix socket latency", 20};

// One operation: 64 KB, from a child that never stops writing.
struct Bandwidth {
    static constexpr std::size_t bytes = 64 << 10;
    Bandwidth() : buffer(bytes)
    {
        child = helper([this] {
            while (write(pipe.end[1], buffer.data(), bytes) > 0) {}
        });
        close(pipe.end[1]);
    }
    ~Bandwidth()
    {
        end_helper(child);
        close(pipe.end[0]);
    }
    void run(unsigned n)
    {
        for (std::size_t left = n * bytes; left;) {
            auto got = read(pipe.end[0], buffer.data(), left < bytes ? left : bytes);
            check(got > 0, "read");
            left -= static_cast<std::size_t>(got);
        }
    }
    Pipe pipe;
    std::vector<char> buffer;
    pid_t child;
};
Row<Bandwidth> const bandwidth_row{"pipe 64k", 5};

// Two threads of one process.
struct FutexPingPong {
    FutexPingPong() { check(pthread_create(&thread, nullptr, answer, this) == 0, "pthread_create"); }
    ~FutexPingPong()
    {
        turn = stop;
        wake();
        pthread_join(thread, nullptr);
    }
    static constexpr int mine = 0, theirs = 1, stop = 2;
    void wake() { syscall(__NR_futex, const_cast<int *>(&turn), FUTEX_WAKE_PRIVATE, 2, nullptr, nullptr, 0); }
    void wait_while(int value)
    {
        while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) == value)
            syscall(__NR_futex, const_cast<int *>(&turn), FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
    }
    static void *answer(void *p)
    {
        auto &self = *static_cast<FutexPingPong *>(p);
        for (;;) {
            self.wait_while(mine);
            if (self.turn == stop)
                return nullptr;
            self.turn = mine;
            self.wake();
        }
    }
    void run(unsigned n)
    {
        for (; n; --n) {
            turn = theirs;
            wake();
            wait_while(theirs);
        }
    }
    int volatile turn = mine;
    pthread_t thread;
};
Row<FutexPingPong> const futex_row{"futex ping-pong", 20};
}  // namespace
}  // namespace bench
