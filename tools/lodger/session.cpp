// SPDX-License-Identifier: MIT
// One run: our standard streams on one side, frames on the guest's console on the other.
#include "lodger.hpp"
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <userland/common/frames.hpp>

namespace lodger {
namespace {
using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t window_changed = 0, interrupted_by = 0;

void on_window_change(int) { window_changed = 1; }
void on_interrupt(int signal) { interrupted_by = signal; }

// The user's terminal in raw mode for the length of a run.
class RawTerminal {
public:
    explicit RawTerminal(bool wanted) : active_{wanted && tcgetattr(0, &saved_) == 0}
    {
        if (!active_)
            return;
        termios raw = saved_;
        cfmakeraw(&raw);
        tcsetattr(0, TCSANOW, &raw);
    }
    ~RawTerminal()
    {
        if (active_)
            tcsetattr(0, TCSANOW, &saved_);
    }
    RawTerminal(RawTerminal const &) = delete;
    RawTerminal &operator=(RawTerminal const &) = delete;

private:
    termios saved_{};
    bool active_;
};

void write_fully(int fd, std::span<std::uint8_t const> bytes)
{
    while (!bytes.empty()) {
        auto n = write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return;  // our reader has gone; the program will not know
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
}

class Log {
public:
    explicit Log(std::string const &path)
    {
        if (path.empty())
            return;
        fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (fd_ < 0)
            throw Failure{"--log " + path + ": " + std::strerror(errno)};
    }
    ~Log()
    {
        if (fd_ >= 0)
            close(fd_);
    }
    Log(Log const &) = delete;
    Log &operator=(Log const &) = delete;
    void add(std::span<std::uint8_t const> text)
    {
        if (fd_ >= 0)
            write_fully(fd_, text);
        last_.append(text.begin(), text.end());
        if (last_.size() > 4096)
            last_.erase(0, last_.size() - 2048);
    }
    // The last whole lines, for the message when a machine dies.
    std::string tail() const
    {
        auto text = last_;
        std::erase(text, '\r');
        while (!text.empty() && text.back() == '\n')
            text.pop_back();
        auto start = text.size();
        for (int lines = 0; lines < 6 && start != std::string::npos && start > 0; ++lines)
            start = text.rfind('\n', start - 1);
        return start == std::string::npos || start == 0 ? text : text.substr(start + 1);
    }

private:
    int fd_ = -1;
    std::string last_;
};

class Session {
public:
    Session(Options const &options, Machine &machine, bool terminal)
        : machine_{machine}, log_{options.log_file}, terminal_{terminal}
    {
        if (options.timeout_seconds > 0)
            deadline_ = Clock::now() + std::chrono::milliseconds{static_cast<long>(options.timeout_seconds * 1000)};
        timeout_ = options.timeout_seconds;
        log_named_ = !options.log_file.empty();
    }
    int run();

private:
    void step();
    void take_guest();
    void take_frame(Frame const &);
    void take_input();
    void flush_to_guest();
    void send(FrameType, std::span<std::uint8_t const>);
    void send_window();
    int result();

    Machine &machine_;
    Log log_;
    bool terminal_, log_named_ = false;
    FrameReader reader_{false};
    std::vector<std::uint8_t> outgoing_;
    std::uint8_t sequence_ = 0;
    std::size_t under_way_ = 0;  // bytes of input without credit
    bool greeted_ = false, input_open_ = true, guest_open_ = true, done_ = false;
    std::uint32_t status_ = 0;
    std::string failure_;
    Clock::time_point deadline_ = Clock::time_point::max();
    double timeout_ = 0;
};

int Session::run()
{
    if (terminal_) {
        struct sigaction action = {};
        action.sa_handler = on_window_change;
        sigaction(SIGWINCH, &action, nullptr);
    }
    struct sigaction action = {};
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    while (guest_open_ && !done_)
        step();
    return result();
}

int Session::result()
{
    if (!failure_.empty())
        throw Failure{failure_,
                      failure_.find("No such file") != std::string::npos ? status_not_found : status_not_runnable};
    if (done_)
        return WIFSIGNALED(static_cast<int>(status_)) ? 128 + WTERMSIG(static_cast<int>(status_))
                                                      : WEXITSTATUS(static_cast<int>(status_));
    int emulator = machine_.wait();
    auto said = machine_.complaint();
    if (emulator == 127 && said.empty())
        throw Failure{"the emulator is not installed; run `make deps` in Lodger's folder"};
    std::string text = "the machine ended before the program did (emulator status " + std::to_string(emulator) + ")";
    if (!said.empty())
        text += "; the emulator says: " + said.substr(0, said.find('\n'));
    auto tail = log_.tail();
    if (!tail.empty())
        text += "; its last words:\n" + tail;
    throw Failure{text};
}

void Session::step()
{
    bool may_read = greeted_ && input_open_ && under_way_ < input_window;
    pollfd fds[] = {
        {machine_.from_guest(), POLLIN, 0},
        {may_read ? 0 : -1, POLLIN, 0},
        {outgoing_.empty() ? -1 : machine_.to_guest(), POLLOUT, 0},
    };
    int wait_ms = -1;
    if (deadline_ != Clock::time_point::max()) {
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
        if (left <= 0) {
            char text[160];
            std::snprintf(text, sizeof text, "the program did not end within %g seconds (--timeout)%s", timeout_,
                          greeted_ ? "" : "; the guest had not started it yet");
            throw Failure{text, status_timeout};
        }
        wait_ms = static_cast<int>(std::min<long long>(left + 1, 1'000'000));
    }
    int ready = poll(fds, 3, wait_ms);
    if (interrupted_by) {
        std::uint8_t signal = static_cast<std::uint8_t>(interrupted_by);
        interrupted_by = 0;
        if (!greeted_)
            throw Failure{"interrupted", 128 + signal};
        send(FrameType::signal, {&signal, 1});
    }
    if (window_changed) {
        window_changed = 0;
        if (greeted_)
            send_window();
    }
    if (ready <= 0)
        return;
    if (fds[2].revents)
        flush_to_guest();
    if (fds[1].revents)
        take_input();
    if (fds[0].revents)
        take_guest();
}

void Session::take_guest()
{
    std::uint8_t bytes[16384];
    auto n = read(machine_.from_guest(), bytes, sizeof bytes);
    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0) {
        guest_open_ = false;
        auto rest = reader_.rest();
        log_.add(rest);
        return;
    }
    reader_.feed(
        {bytes, static_cast<std::size_t>(n)},
        [](void *self, Frame const &frame) { static_cast<Session *>(self)->take_frame(frame); },
        [](void *self, std::span<std::uint8_t const> text) { static_cast<Session *>(self)->log_.add(text); }, this);
}

void Session::take_frame(Frame const &frame)
{
    switch (frame.type) {
    case FrameType::hello: greeted_ = true; break;
    case FrameType::output: write_fully(1, frame.payload); break;
    case FrameType::error_output: write_fully(2, frame.payload); break;
    case FrameType::credit: under_way_ -= std::min<std::size_t>(under_way_, frame.u32()); break;
    case FrameType::exited:
        status_ = frame.u32();
        done_ = true;
        break;
    case FrameType::failed:
        failure_.assign(frame.payload.begin(), frame.payload.end());
        done_ = true;
        break;
    default: break;
    }
}

void Session::take_input()
{
    std::uint8_t bytes[max_payload / 2];  // escaped it may double
    auto n = read(0, bytes, std::min(sizeof bytes, input_window - under_way_));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        input_open_ = false;
        send(FrameType::input_end, {});
        return;
    }
    under_way_ += static_cast<std::size_t>(n);
    send(FrameType::input, {bytes, static_cast<std::size_t>(n)});
}

void Session::send_window()
{
    winsize size{};
    if (ioctl(0, TIOCGWINSZ, &size) != 0)
        return;
    std::uint8_t const payload[] = {static_cast<std::uint8_t>(size.ws_row), static_cast<std::uint8_t>(size.ws_row >> 8),
                                    static_cast<std::uint8_t>(size.ws_col), static_cast<std::uint8_t>(size.ws_col >> 8)};
    send(FrameType::window, payload);
}

void Session::send(FrameType type, std::span<std::uint8_t const> payload)
{
    auto frame = escape_for_guest(encode_frame(type, sequence_++, payload));
    outgoing_.insert(outgoing_.end(), frame.begin(), frame.end());
    flush_to_guest();
}

void Session::flush_to_guest()
{
    auto n = write(machine_.to_guest(), outgoing_.data(), outgoing_.size());
    if (n > 0)
        outgoing_.erase(outgoing_.begin(), outgoing_.begin() + n);
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        outgoing_.clear();
}

std::string run_request(Program const &program, bool terminal)
{
    winsize size{24, 80, 0, 0};
    if (terminal)
        ioctl(0, TIOCGWINSZ, &size);
    std::string text;
    auto field = [&](std::string const &s) { text += s + '\0'; };
    field(terminal ? "tty" : "pipe");
    field(std::to_string(size.ws_row));
    field(std::to_string(size.ws_col));
    field("/root");
    field(std::to_string(program.arguments.size()));
    for (auto const &argument : program.arguments)
        field(argument);
    for (auto variable :
         {"HOME=/root", "PATH=/sbin:/usr/sbin:/bin:/usr/bin", "USER=root", "LOGNAME=root", "SHELL=/bin/sh"})
        field(variable);
    char const *term = std::getenv("TERM");
    field(std::string{"TERM="} + (terminal && term ? term : "dumb"));
    return text;
}

class TemporaryFile {
public:
    TemporaryFile()
    {
        char name[] = "/tmp/lodger-initrd-XXXXXX";
        int fd = mkstemp(name);
        if (fd < 0)
            throw Failure{"/tmp cannot be written; is the disk full?"};
        close(fd);
        path_ = name;
    }
    ~TemporaryFile()
    {
        std::error_code ignored;
        fs::remove(path_, ignored);
    }
    TemporaryFile(TemporaryFile const &) = delete;
    TemporaryFile &operator=(TemporaryFile const &) = delete;
    fs::path const &path() const { return path_; }

private:
    fs::path path_;
};

// The archive of one run, removed with it.
class TemporaryInitrd {
public:
    TemporaryInitrd(Options const &options, std::vector<Placement> const &files, std::string const &request)
    {
        bool const own_domain = has_own_domain(options);
        auto const base = !options.initrd.empty() ? options.initrd
                                                  : image(options, own_domain ? "initrd.cpio" : "initrd.cpio.gz");
        if (!fs::exists(base))
            throw Failure{"--initrd " + base.string() + ": there is no such file"};
        if (!own_domain) {
            write_initrd(file_.path(), base, files, request);
            return;
        }
        TemporaryFile guest;
        write_initrd(guest.path(), base, files, request);
        write_domain0_initrd(file_.path(), image(options, "dom0-run.cpio"), guest.path(), options);
    }
    fs::path const &path() const { return file_.path(); }

private:
    TemporaryFile file_;
};
}  // namespace

int run(Options const &options)
{
    bool terminal = isatty(0) && isatty(1);
    auto program = plan_program(options);
    TemporaryInitrd initrd{options, program.files, run_request(program, terminal)};
    Machine machine{options, initrd.path(), false};
    RawTerminal raw{terminal};
    Session session{options, machine, terminal};
    return session.run();
}

int boot(Options const &options)
{
    TemporaryInitrd initrd{options, plan_files(options), ""};
    Machine machine{options, initrd.path(), true};
    std::signal(SIGINT, SIG_IGN);
    return machine.wait();
}
}  // namespace lodger
