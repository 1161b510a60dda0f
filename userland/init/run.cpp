// SPDX-License-Identifier: MIT
// One program for `lodger run`: its standard streams travel as frames over the console.
#include "init.hpp"
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/reboot.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <userland/common/frames.hpp>

namespace init {
namespace {
using lodger::Frame;
using lodger::FrameType;

int child_signal_pipe[2];

void on_child(int)
{
    int saved = errno;
    char byte = 0;
    [[maybe_unused]] auto ignored = write(child_signal_pipe[1], &byte, 1);
    errno = saved;
}

class Console {
public:
    Console() : fd_{open("/dev/console", O_RDWR | O_NOCTTY)}
    {
        if (fd_ < 0)
            end_machine(LINUX_REBOOT_CMD_POWER_OFF);
        termios t{};
        tcgetattr(fd_, &t);
        cfmakeraw(&t);
        tcsetattr(fd_, TCSANOW, &t);
    }
    int fd() const { return fd_; }
    void send(FrameType type, void const *data, std::size_t n)
    {
        auto bytes = static_cast<std::uint8_t const *>(data);
        auto frame = lodger::encode_frame(type, sequence_++, {bytes, n});
        for (std::size_t at = 0; at < frame.size();) {  // one write, unless a signal came between
            auto moved = write(fd_, frame.data() + at, frame.size() - at);
            if (moved > 0)
                at += static_cast<std::size_t>(moved);
            else if (errno != EINTR && errno != EAGAIN)
                end_machine(LINUX_REBOOT_CMD_POWER_OFF);
        }
    }
    void send_u32(FrameType type, std::uint32_t value)
    {
        std::uint8_t bytes[4];
        for (int i = 0; i < 4; ++i)
            bytes[i] = static_cast<std::uint8_t>(value >> 8 * i);
        send(type, bytes, sizeof bytes);
    }

private:
    int fd_;
    std::uint8_t sequence_ = 0;
};

// The program's side: pipes, or one pseudo-terminal for all three streams.
struct Streams {
    int input = -1, output = -1, error_output = -1;  // ours; -1: closed
    int theirs[3] = {-1, -1, -1};
};

class Runner {
public:
    explicit Runner(RunRequest const &request) : request_{request} {}
    [[noreturn]] void run()
    {
        std::signal(SIGPIPE, SIG_IGN);
        if (pipe2(child_signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
            fail("pipe");
        struct sigaction action = {};
        action.sa_handler = on_child;
        sigaction(SIGCHLD, &action, nullptr);
        console_.send(FrameType::hello, nullptr, 0);
        request_.terminal ? open_terminal() : open_pipes();
        start();
        while (!finished())
            step();
        leave_disks();  // whoever waits for us ends the machine at once
        console_.send_u32(FrameType::exited, static_cast<std::uint32_t>(status_));
        tcdrain(console_.fd());
        end_machine(LINUX_REBOOT_CMD_POWER_OFF);
    }

private:
    [[noreturn]] void fail(char const *what)
    {
        char text[200];
        int n = std::snprintf(text, sizeof text, "%s: %s", what, std::strerror(errno));
        leave_disks();
        console_.send(FrameType::failed, text, static_cast<std::size_t>(n));
        end_machine(LINUX_REBOOT_CMD_POWER_OFF);
    }

    void open_pipes()
    {
        int in[2], out[2], err[2];
        if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
            fail("pipe");
        streams_ = {in[1], out[0], err[0], {in[0], out[1], err[1]}};
        fcntl(streams_.input, F_SETFL, O_NONBLOCK);
    }

    void open_terminal()
    {
        int ours, theirs;
        winsize size{request_.rows, request_.columns, 0, 0};
        if (openpty(&ours, &theirs, nullptr, nullptr, &size) != 0)
            fail("a pseudo-terminal");
        fcntl(ours, F_SETFD, FD_CLOEXEC);
        streams_ = {ours, ours, -1, {theirs, theirs, theirs}};
        fcntl(ours, F_SETFL, O_RDWR | O_NONBLOCK);
    }

    void start()
    {
        int report[2];
        if (pipe2(report, O_CLOEXEC) != 0)
            fail("pipe");
        program_ = fork();
        if (program_ < 0)
            fail("fork");
        if (program_ == 0)
            become_program(report[1]);
        close(report[1]);
        for (int i = 0; i < 3; ++i)
            if (i == 0 || streams_.theirs[i] != streams_.theirs[0])
                close(streams_.theirs[i]);
        int error = 0;
        if (read(report[0], &error, sizeof error) == sizeof error) {
            errno = error;
            fail(request_.arguments[0].c_str());
        }
        close(report[0]);
    }

    [[noreturn]] void become_program(int report)
    {
        setsid();
        for (int signal : {SIGPIPE, SIGCHLD, SIGUSR1, SIGUSR2, SIGTERM})
            std::signal(signal, SIG_DFL);
        if (request_.terminal)
            ioctl(streams_.theirs[0], TIOCSCTTY, 0);
        for (int fd : {0, 1, 2})
            dup2(streams_.theirs[fd], fd);
        for (int fd : streams_.theirs)
            if (fd > 2)
                close(fd);
        std::vector<char *> argv, envp;
        for (auto const &s : request_.arguments)
            argv.push_back(const_cast<char *>(s.c_str()));
        for (auto const &s : request_.environment)
            envp.push_back(const_cast<char *>(s.c_str()));
        argv.push_back(nullptr);
        envp.push_back(nullptr);
        if (!request_.root.empty() && (chroot(request_.root.c_str()) != 0 || chdir("/") != 0))
            request_failed(report);
        // A root of somebody else's making may lack the folder.
        if (chdir(request_.directory.c_str()) == 0 || (!request_.root.empty() && chdir("/") == 0)) {
            environ = envp.data();
            execvpe(argv[0], argv.data(), envp.data());
        }
        request_failed(report);
    }

    [[noreturn]] static void request_failed(int report)
    {
        int error = errno;
        [[maybe_unused]] auto ignored = write(report, &error, sizeof error);
        _exit(127);
    }

    bool finished() const { return reaped_ && streams_.output < 0 && streams_.error_output < 0; }

    void step()
    {
        pollfd fds[] = {
            {console_.fd(), POLLIN, 0},
            {child_signal_pipe[0], POLLIN, 0},
            {streams_.output, POLLIN, 0},
            {streams_.error_output, POLLIN, 0},
            {pending_.empty() ? -1 : streams_.input, POLLOUT, 0},
        };
        // Once the program is dead, its orphans do not keep the machine: take what is there and end.
        int ready = poll(fds, 5, reaped_ ? 50 : -1);
        if (ready < 0 && errno != EINTR)
            fail("poll");
        if (reaped_ && ready == 0)
            close_outputs();
        if (ready <= 0)
            return;
        if (fds[0].revents)
            take_console();
        if (fds[1].revents)
            reap();
        if (fds[4].revents)
            give_input();
        if (fds[2].revents)
            pass_on(streams_.output, FrameType::output);
        if (fds[3].revents && streams_.error_output >= 0)
            pass_on(streams_.error_output, FrameType::error_output);
    }

    void close_outputs() { streams_.output = streams_.error_output = -1; }

    void pass_on(int &fd, FrameType type)
    {
        std::uint8_t bytes[lodger::max_payload];
        auto n = read(fd, bytes, sizeof bytes);
        if (n > 0) {
            console_.send(type, bytes, static_cast<std::size_t>(n));
        } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
            if (fd != streams_.input)
                close(fd);
            fd = -1;
        }
    }

    void take_console()
    {
        std::uint8_t bytes[1024];
        auto n = read(console_.fd(), bytes, sizeof bytes);
        if (n <= 0)
            return;
        reader_.feed(
            {bytes, static_cast<std::size_t>(n)},
            [](void *self, Frame const &f) { static_cast<Runner *>(self)->take_frame(f); },
            [](void *, std::span<std::uint8_t const>) {}, this);
    }

    void take_frame(Frame const &frame)
    {
        auto const &p = frame.payload;
        switch (frame.type) {
        case FrameType::input: pending_.insert(pending_.end(), p.begin(), p.end()); break;
        case FrameType::input_end: input_ended_ = true; break;
        case FrameType::window:
            if (p.size() >= 4 && request_.terminal) {
                winsize size{static_cast<unsigned short>(p[0] | p[1] << 8),
                             static_cast<unsigned short>(p[2] | p[3] << 8), 0, 0};
                ioctl(streams_.input, TIOCSWINSZ, &size);
            }
            break;
        case FrameType::signal:
            if (!p.empty() && !reaped_)
                kill(-program_, p[0]);
            break;
        default: break;
        }
        give_input();
    }

    void give_input()
    {
        while (!pending_.empty()) {
            auto n = streams_.input < 0 ? static_cast<ssize_t>(pending_.size()) :  // nobody reads: drop it
                write(streams_.input, pending_.data(), pending_.size());
            if (n < 0 && errno == EAGAIN)
                return;
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0) {
                close_input();
                continue;
            }
            pending_.erase(pending_.begin(), pending_.begin() + n);
            console_.send_u32(FrameType::credit, static_cast<std::uint32_t>(n));
        }
        if (input_ended_)
            end_input();
    }

    void end_input()
    {
        input_ended_ = false;
        if (!request_.terminal)
            return close_input();
        char const end_of_file = 4;  // VEOF on the pseudo-terminal
        pending_.push_back(static_cast<std::uint8_t>(end_of_file));
        give_input();
    }

    void close_input()
    {
        if (streams_.input >= 0 && streams_.input != streams_.output)
            close(streams_.input);
        streams_.input = -1;
    }

    void reap()
    {
        char drain[64];
        while (read(child_signal_pipe[0], drain, sizeof drain) > 0) {}
        int status;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            if (pid == program_) {
                status_ = status;
                reaped_ = true;
            }
    }

    RunRequest const &request_;
    Console console_;
    Streams streams_;
    lodger::FrameReader reader_{true};
    std::vector<std::uint8_t> pending_;  // standard input not yet taken by the program
    bool input_ended_ = false, reaped_ = false;
    pid_t program_ = -1;
    int status_ = 0;
};
}  // namespace

void run_for_host(RunRequest const &request) { Runner{request}.run(); }
}  // namespace init
