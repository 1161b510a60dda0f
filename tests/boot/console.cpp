// SPDX-License-Identifier: MIT
#include "console.hpp"
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace {
using Clock = std::chrono::steady_clock;

[[noreturn]] void become(std::vector<std::string> const &command)
{
    std::vector<char *> argv;
    for (auto const &word : command)
        argv.push_back(const_cast<char *>(word.c_str()));
    argv.push_back(nullptr);
    std::signal(SIGPIPE, SIG_DFL);  // an ignored signal stays ignored in what is executed
    execvp(argv[0], argv.data());
    _exit(127);
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

int shell_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

void kill_group(pid_t child)
{
    if (child <= 0)
        return;
    kill(-child, SIGTERM);
    for (int i = 0; i < 200 && waitpid(child, nullptr, WNOHANG) == 0; ++i)
        usleep(10'000);
    kill(-child, SIGKILL);
    waitpid(child, nullptr, 0);
}
}  // namespace

Console::Console(std::vector<std::string> command)
{
    winsize size{24, 80, 0, 0};
    child_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (child_ == 0) {
        termios raw{};
        tcgetattr(0, &raw);
        cfmakeraw(&raw);  // the guest's terminal echoes, not this one
        tcsetattr(0, TCSANOW, &raw);
        become(command);
    }
}

Console::~Console()
{
    kill_group(child_);
    if (terminal_ >= 0)
        close(terminal_);
}

bool Console::read_more(double seconds)
{
    pollfd fd{terminal_, POLLIN, 0};
    if (poll(&fd, 1, static_cast<int>(seconds * 1000)) <= 0)
        return true;
    char bytes[4096];
    auto n = read(terminal_, bytes, sizeof bytes);
    if (n <= 0)
        return false;  // the command has ended
    // Carriage returns say nothing here: the guest's terminal adds one, QEMU's standard output another.
    for (ssize_t i = 0; i < n; ++i)
        if (bytes[i] != '\r')
            transcript_ += bytes[i];
    return true;
}

bool Console::wait_for(std::string const &text, double seconds)
{
    auto start = Clock::now();
    for (bool open = true;;) {
        if (auto at = transcript_.find(text, taken_); at != std::string::npos) {
            before_ = transcript_.substr(taken_, at - taken_);
            taken_ = at + text.size();
            return true;
        }
        if (!open || seconds_since(start) > seconds)
            return false;
        open = read_more(0.2);
    }
}

void Console::type(std::string const &keys)
{
    for (std::size_t at = 0; at < keys.size();) {
        auto n = write(terminal_, keys.data() + at, keys.size() - at);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return;
        if (n > 0)
            at += static_cast<std::size_t>(n);
    }
}

bool Console::use_shell()
{
    if (!wait_for("# "))
        return false;
    enter("PS1='re''ady> '; cd /tmp");  // the echo does not hold the prompt that we wait for
    return wait_for("ready> ");
}

std::string Console::command(std::string const &line, double seconds)
{
    auto mark = "done-" + std::to_string(++commands_) + "-";  // which no command prints
    enter(line + "; echo \"done\"-" + std::to_string(commands_) + "-");
    if (!wait_for(mark, seconds))
        return "(no answer within the time-out)";
    auto text = before_;
    if (auto end = text.find('\n'); end != std::string::npos)
        text.erase(0, end + 1);
    wait_for("ready> ");
    return text;
}

int Console::wait_for_end(double seconds)
{
    auto start = Clock::now();
    int status = 0;
    while (waitpid(child_, &status, WNOHANG) == 0) {
        if (seconds_since(start) > seconds)
            return -1;
        read_more(0.1);
    }
    child_ = -1;
    return shell_status(status);
}

Outcome run_command(std::vector<std::string> const &command, std::string const &input, double seconds)
{
    int in[2], out[2], err[2];
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
        return {};
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        become(command);
    }
    close(in[0]);
    close(out[1]);
    close(err[1]);
    std::signal(SIGPIPE, SIG_IGN);
    fcntl(in[1], F_SETFL, O_NONBLOCK);

    Outcome outcome;
    std::size_t sent = 0;
    auto start = Clock::now();
    pollfd fds[] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}, {in[1], POLLOUT, 0}};
    while ((fds[0].fd >= 0 || fds[1].fd >= 0) && seconds_since(start) < seconds) {
        poll(fds, 3, 200);
        for (int i : {0, 1}) {
            if (fds[i].fd < 0 || !fds[i].revents)
                continue;
            char bytes[16384];
            auto n = read(fds[i].fd, bytes, sizeof bytes);
            if (n <= 0)
                fds[i].fd = -1;
            else
                (i == 0 ? outcome.output : outcome.error_output).append(bytes, static_cast<std::size_t>(n));
        }
        if (fds[2].fd >= 0 && (fds[2].revents || sent == input.size())) {
            auto n = write(in[1], input.data() + sent, input.size() - sent);
            if (n > 0)
                sent += static_cast<std::size_t>(n);
            if (sent == input.size() || (n < 0 && errno != EAGAIN)) {
                close(in[1]);
                fds[2].fd = -1;
            }
        }
    }
    int status = 0;
    while (seconds_since(start) < seconds + 1) {
        if (waitpid(child, &status, WNOHANG) == child) {
            outcome.status = shell_status(status);
            child = -1;
            break;
        }
        usleep(20'000);
    }
    kill_group(child);
    for (int fd : {out[0], err[0]})
        close(fd);
    if (fds[2].fd >= 0)
        close(in[1]);
    return outcome;
}
