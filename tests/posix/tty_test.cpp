// SPDX-License-Identifier: MIT
// Pseudo-terminals: line discipline, job control, windows.
#include "test.hpp"
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

using namespace posix;

namespace {
struct Terminal {
    int master, slave;
    Terminal() { CHECK_EQ(openpty(&master, &slave, nullptr, nullptr, nullptr), 0); }
    void change(void (*f)(termios &)) const
    {
        termios t;
        CHECK_EQ(tcgetattr(slave, &t), 0);
        f(t);
        CHECK_EQ(tcsetattr(slave, TCSANOW, &t), 0);
    }
    void type(std::string const &keys) const
    {
        CHECK_EQ(write(master, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
    }
    // What the master shows within a short time.
    std::string shown() const { return all_of(master); }
    std::string line() const
    {
        pollfd p{slave, POLLIN, 0};
        if (poll(&p, 1, 300) != 1)
            return "(nothing)";
        char text[300];
        auto n = read(slave, text, sizeof text);
        return n < 0 ? "(error)" : std::string(text, static_cast<std::size_t>(n));
    }

private:
    static std::string all_of(int fd)
    {
        std::string text;
        pollfd p{fd, POLLIN, 0};
        while (poll(&p, 1, 50) == 1) {
            char b[300];
            auto n = read(fd, b, sizeof b);
            if (n <= 0)
                break;
            text.append(b, static_cast<std::size_t>(n));
        }
        return text;
    }
};
}  // namespace

TEST(tty, canonical_lines_are_edited)
{
    Terminal t;
    t.type("helo\177lo\r");
    CHECK_EQ(t.line(), "hello\n");
    CHECK_EQ(t.shown(), "helo\b \blo\r\n");
    t.type("word one two\027three\r");  // ^W
    CHECK_EQ(t.line(), "word one three\n");
    t.shown();
    t.type("lost\025kept\r");  // ^U
    CHECK_EQ(t.line(), "kept\n");
    t.shown();
    t.type("a\026\003b\r");  // ^V ^C
    CHECK_EQ(t.line(), "a\003b\n");
    CHECK_EQ(t.shown(), "a^\b^Cb\r\n");
    t.type("par\004tial\r");  // ^D pushes
    CHECK_EQ(t.line(), "par");
    CHECK_EQ(t.line(), "tial\n");
    t.type("\004");
    CHECK_EQ(t.line(), "");
}

TEST(tty, a_read_takes_one_line)
{
    Terminal t;
    t.type("one\rtwo\r");
    CHECK_EQ(t.line(), "one\n");
    char c[2];
    CHECK_EQ(read(t.slave, c, 2), 2);
    CHECK(c[0] == 't' && c[1] == 'w');
    CHECK_EQ(t.line(), "o\n");
}

TEST(tty, raw_mode_and_vmin)
{
    Terminal t;
    t.change([](termios &m) { cfmakeraw(&m); });
    t.type("\003a\r\004");
    CHECK_EQ(t.line(), "\003a\r\004");
    CHECK_EQ(t.shown(), "");
    t.change([](termios &m) {
        m.c_cc[VMIN] = 0;
        m.c_cc[VTIME] = 1;
    });
    char c;
    CHECK_EQ(read(t.slave, &c, 1), 0);  // after a tenth of a second
    CHECK_EQ(write(t.slave, "a\nb", 3), 3);
    CHECK_EQ(t.shown(), "a\nb");
}

TEST(tty, output_processing)
{
    Terminal t;
    CHECK_EQ(write(t.slave, "a\nb\tc\n", 6), 6);
    CHECK_EQ(t.shown(), "a\r\nb\tc\r\n");
    t.change([](termios &m) { m.c_oflag |= XTABS; });
    CHECK_EQ(write(t.slave, "ab\tc", 4), 4);
    CHECK_EQ(t.shown(), "ab      c");
    t.change([](termios &m) { m.c_oflag &= ~static_cast<tcflag_t>(OPOST); });
    CHECK_EQ(write(t.slave, "\n", 1), 1);
    CHECK_EQ(t.shown(), "\n");
}

TEST(tty, echo_can_be_off_and_input_mapped)
{
    Terminal t;
    t.change([](termios &m) {
        m.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        m.c_iflag |= INLCR | IGNCR;
    });
    t.type("se\rcret\n");
    CHECK_EQ(t.shown(), "");
    t.change([](termios &m) { m.c_iflag &= ~static_cast<tcflag_t>(INLCR); });
    t.type("x\n");
    CHECK_EQ(t.line(), "secret\rx\n");
}

TEST(tty, names_and_windows)
{
    Terminal t;
    CHECK_EQ(isatty(t.slave), 1);
    CHECK_EQ(std::string{ttyname(t.slave)}.substr(0, 9), "/dev/pts/");
    winsize w{30, 100, 0, 0}, seen{};
    CHECK_EQ(ioctl(t.master, TIOCSWINSZ, &w), 0);
    CHECK_EQ(ioctl(t.slave, TIOCGWINSZ, &seen), 0);
    CHECK(seen.ws_row == 30 && seen.ws_col == 100);
    int n;
    t.type("abc\r");
    t.shown();
    CHECK_EQ(ioctl(t.slave, FIONREAD, &n), 0);
    CHECK_EQ(n, 4);
    CHECK_EQ(tcflush(t.slave, TCIFLUSH), 0);
    CHECK_EQ(t.line(), "(nothing)");
    int file = open("f", O_CREAT | O_RDWR, 0600);
    CHECK_EQ(isatty(file), 0);
    CHECK_EQ(errno, ENOTTY);
}

TEST(tty, keys_send_signals_to_the_foreground_group)
{
    int master;
    pid_t child = forkpty(&master, nullptr, nullptr, nullptr);
    if (child == 0) {
        signal(SIGWINCH, [](int) { (void)!write(1, "winch\n", 6); });
        (void)!write(1, "ready\n", 6);
        for (;;)
            pause();
    }
    char text[100];
    CHECK(read(master, text, sizeof text) > 0);
    winsize w{40, 90, 0, 0};
    CHECK_EQ(ioctl(master, TIOCSWINSZ, &w), 0);
    auto n = read(master, text, sizeof text);
    CHECK_EQ(std::string(text, static_cast<std::size_t>(n)), "winch\r\n");
    CHECK_EQ(write(master, "\003", 1), 1);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

TEST(tty, background_readers_stop)
{
    int master;
    pid_t leader = forkpty(&master, nullptr, nullptr, nullptr);
    if (leader == 0) {
        pid_t background = fork();
        if (background == 0) {
            setpgid(0, 0);
            char c;
            auto n = read(0, &c, 1);
            _exit(n == 1 && c == 'x' ? 0 : 1);
        }
        setpgid(background, background);
        int status;
        if (waitpid(background, &status, WUNTRACED) != background || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTTIN)
            _exit(1);
        signal(SIGTTOU, SIG_IGN);
        if (tcgetpgrp(0) != getpgrp() || tcsetpgrp(0, background) != 0 || tcgetpgrp(0) != background)
            _exit(2);
        kill(-background, SIGCONT);
        (void)!write(1, "go\n", 3);
        if (waitpid(background, &status, 0) != background || status != 0)
            _exit(3);
        _exit(0);
    }
    char text[100];
    CHECK(read(master, text, sizeof text) > 0);
    CHECK_EQ(write(master, "x\r", 2), 2);
    int status;
    CHECK_EQ(waitpid(leader, &status, 0), leader);
    CHECK_EQ(WEXITSTATUS(status), 0);
}

namespace {
// In a session whose terminal `act` has as its standard input, in a background group of its own. `orphaned`: nobody of that session could
// continue it. The status of the one that acts: WUNTRACED; of `orphaned`: what it exits with.
int in_background(bool orphaned, int (*act)())
{
    int master;
    pid_t leader = forkpty(&master, nullptr, nullptr, nullptr);
    if (leader == 0) {
        int report[2];
        if (pipe(report) != 0)
            _exit(99);
        pid_t parent = fork();
        if (parent == 0) {
            setpgid(0, 0);
            pid_t self = getpid();
            if (!orphaned || fork() == 0) {
                while (orphaned && getppid() == self)
                    usleep(1000);
                int result = act();
                (void)!write(report[1], &result, sizeof result);
                _exit(result);
            }
            _exit(0);
        }
        setpgid(parent, parent);
        int status = 0, result = 99;
        waitpid(parent, &status, WUNTRACED);
        if (orphaned) {
            pollfd p{report[0], POLLIN, 0};
            _exit(poll(&p, 1, 2000) == 1 && read(report[0], &result, sizeof result) == sizeof result ? result : 99);
        }
        kill(-parent, SIGKILL);
        _exit(WIFSTOPPED(status) ? 100 + WSTOPSIG(status) : WEXITSTATUS(status));
    }
    CHECK_EQ(write(master, "typed\r", 6), 6);
    int status;
    CHECK_EQ(waitpid(leader, &status, 0), leader);
    close(master);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
int read_error()
{
    char c;
    return read(0, &c, 1) < 0 ? errno : 0;
}
int write_error() { return write(1, "x", 1) < 0 ? errno : 0; }
void let_background_writers_stop()
{
    termios t;
    tcgetattr(0, &t);
    t.c_lflag |= TOSTOP;
    signal(SIGTTOU, SIG_IGN);
    tcsetattr(0, TCSANOW, &t);
}
}  // namespace

// POSIX.1, 11.1.4 "Terminal Access Control".
TEST(tty, what_background_processes_may)
{
    constexpr int stopped = 100;
    CHECK_EQ(in_background(false, read_error), stopped + SIGTTIN);
    CHECK_EQ(in_background(false,
                           [] {
                               signal(SIGTTIN, SIG_IGN);
                               return read_error();
                           }),
             EIO);
    CHECK_EQ(in_background(false,
                           [] {
                               sigset_t one;
                               sigemptyset(&one);
                               sigaddset(&one, SIGTTIN);
                               sigprocmask(SIG_BLOCK, &one, nullptr);
                               return read_error();
                           }),
             EIO);
    CHECK_EQ(in_background(true, read_error), EIO);
    // Waiting for input is no reading, though there is nothing to be had.
    CHECK_EQ(in_background(false,
                           [] {
                               pollfd p{0, POLLIN, 0};
                               return poll(&p, 1, 2000) == 1 && (p.revents & POLLIN) ? 0 : 1;
                           }),
             0);
    CHECK_EQ(in_background(false, write_error), 0);
    CHECK_EQ(in_background(false,
                           [] {
                               let_background_writers_stop();
                               return write_error();
                           }),
             0);  // SIGTTOU is ignored
    CHECK_EQ(in_background(false,
                           [] {
                               let_background_writers_stop();
                               signal(SIGTTOU, SIG_DFL);
                               return write_error();
                           }),
             stopped + SIGTTOU);
    CHECK_EQ(in_background(true,
                           [] {
                               let_background_writers_stop();
                               signal(SIGTTOU, SIG_DFL);
                               return write_error();
                           }),
             EIO);
}

TEST(tty, hangup_when_the_master_closes)
{
    int master;
    pid_t child = forkpty(&master, nullptr, nullptr, nullptr);
    if (child == 0)
        for (;;)
            pause();
    usleep(20'000);
    close(master);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
    Terminal t;
    close(t.slave);
    char c;
    CHECK_ERRNO(read(t.master, &c, 1), EIO);
}
