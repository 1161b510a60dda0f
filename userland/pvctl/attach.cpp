// SPDX-License-Identifier: MIT
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <userland/pvctl/attach.hpp>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/waiting.hpp>

namespace {
constexpr char leave = 0x1d;  // Ctrl-]
constexpr int terminal_seconds = 20, successor_seconds = 3;

// Our own terminal in raw mode; if standard input is one.
class RawMode {
public:
    RawMode() : is_terminal_{tcgetattr(0, &before_) == 0}
    {
        if (!is_terminal_)
            return;
        termios raw = before_;
        cfmakeraw(&raw);
        tcsetattr(0, TCSANOW, &raw);
    }
    ~RawMode()
    {
        if (is_terminal_)
            tcsetattr(0, TCSADRAIN, &before_);
    }
    RawMode(RawMode const &) = delete;
    RawMode &operator=(RawMode const &) = delete;

private:
    termios before_{};
    bool is_terminal_;
};

bool write_all(int fd, std::string_view bytes)
{
    while (!bytes.empty()) {
        auto n = write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EAGAIN) {
            pollfd wait{fd, POLLOUT, 0};
            poll(&wait, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return false;
        }
        bytes.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
    }
    return true;
}
}  // namespace

Attachment::Attachment(Toolstack &tools, domid_t domain) : tools_{tools} { open(domain); }

void Attachment::open(domid_t domain)
{
    auto path = home_of(domain) + "/console/tty";
    std::string name;
    bool found = wait_for_change(tools_.store, path, terminal_seconds, [&] {
        name = tools_.store.read(path).value_or("");
        return !name.empty();
    });
    if (!found)
        throw Failure{"domain " + std::to_string(domain) + " has no terminal; is xenconsoled running?"};
    terminal_ = Fd{::open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)};
    if (!terminal_)
        fail(name, last_error());
}

Attachment::End Attachment::pass()
{
    bool input = true;
    for (;;) {
        pollfd fds[] = {{input ? 0 : -1, POLLIN, 0}, {terminal_.get(), POLLIN, 0}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            fail("waiting for the console", last_error());
        char bytes[4096];
        if (fds[1].revents) {
            auto n = read(terminal_.get(), bytes, sizeof bytes);
            if (n > 0 && !write_all(1, {bytes, static_cast<std::size_t>(n)}))
                return End::left;
            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                return End::hung_up;
        }
        if (fds[0].revents) {
            auto n = read(0, bytes, sizeof bytes);
            input = n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
            std::string_view typed{bytes, n > 0 ? static_cast<std::size_t>(n) : 0};
            auto end = typed.find(leave);
            if (!write_all(terminal_.get(), typed.substr(0, end)))
                return End::hung_up;
            if (end != typed.npos) {
                rest_ = typed.substr(end + 1);
                return End::left;
            }
        }
    }
}

bool Attachment::open_successor(std::string const &name)
{
    std::optional<domid_t> domain;
    bool found = wait_for_change(tools_.store, "@introduceDomain", successor_seconds, [&] {
        for (auto const &info : xen::all_domains(tools_.hypervisor).value_or({}))
            if (!(info.flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown)) && name_of(tools_.store, info.domain) == name)
                domain = info.domain;
        return domain.has_value();
    });
    if (found)
        open(*domain);
    return found;
}

int Attachment::serve(std::string const &name)
{
    auto end = End::hung_up;
    {
        RawMode raw;
        do
            end = pass();
        while (end == End::hung_up && open_successor(name));
    }
    for (char const &c : rest_)  // typed at once with Ctrl-]: it is for whoever reads this terminal next
        ioctl(0, TIOCSTI, &c);
    std::fputs(end == End::left ? "\n" : ("\n[" + name + " has ended]\n").c_str(), stderr);
    return 0;
}
