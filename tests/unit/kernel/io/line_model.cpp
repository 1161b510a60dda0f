// SPDX-License-Identifier: MIT
#include "line_model.hpp"
#include <asm/ioctls.h>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <unistd.h>

extern "C" int ioctl(int, unsigned long, ...);

namespace io {
namespace {
class Screen final : public kernel::TerminalPort {
public:
    std::size_t room() const override { return 8192 - waiting.size(); }
    void send(char const *bytes, std::size_t n) override { waiting.append(bytes, n); }
    void raise(int signo) override { signals.push_back(signo); }
    void input_arrived() override {}
    void output_discarded() override { waiting.clear(); }
    std::string waiting;
    std::vector<int> signals;
};

// What poll(2) says is there within `ms`.
bool readable(int fd, int ms)
{
    pollfd p{fd, POLLIN, 0};
    return poll(&p, 1, ms) > 0 && (p.revents & POLLIN);
}

void drain(int fd, std::string &to, int patience)
{
    char bytes[4096];
    while (readable(fd, patience)) {
        auto n = read(fd, bytes, sizeof bytes);
        if (n <= 0)
            return;
        to.append(bytes, static_cast<std::size_t>(n));
    }
}
}  // namespace

Outcome run_ours(Case const &c)
{
    Outcome out;
    Screen screen;
    auto line = std::make_unique<kernel::LineDiscipline>(screen);
    line->set(c.termios);
    for (auto const &s : c.steps) {
        if (s.kind == Step::settings) {
            line->set(s.termios);
        } else if (s.kind == Step::keys) {
            line->receive(s.text.data(), s.text.size());
        } else {
            for (std::size_t done = 0; done < s.text.size();) {
                auto n = line->write(s.text.data() + done, s.text.size() - done);
                if (!n)
                    break;
                done += n;
                out.screen += screen.waiting;
                screen.waiting.clear();
            }
        }
        line->room_again();
        out.screen += screen.waiting;
        screen.waiting.clear();
    }
    std::vector<char> bytes(c.read_bytes);
    while (line->readable()) {
        bool end = false;
        auto n = line->read(bytes.data(), bytes.size(), &end);
        out.lines.emplace_back(bytes.data(), n);
    }
    return out;
}

Outcome run_linux(Case const &c, int patience)
{
    Outcome out;
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), unlocked = 0;
    if (master < 0)
        throw std::string{"no /dev/ptmx"};
    ioctl(master, TIOCSPTLCK, &unlocked);
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (slave < 0) {
        close(master);
        throw std::string{"no TIOCGPTPEER"};
    }
    ioctl(slave, TCSETS, &c.termios);
    for (auto const &s : c.steps) {
        if (s.kind == Step::settings)
            ioctl(slave, TCSETS, &s.termios);
        else
            (void)!write(s.kind == Step::keys ? master : slave, s.text.data(), s.text.size());
        drain(master, out.screen, patience);
    }
    std::vector<char> bytes(c.read_bytes);
    for (int tries = 0; tries < 1000 && readable(slave, 0); ++tries) {
        auto n = read(slave, bytes.data(), bytes.size());
        if (n < 0)
            break;
        out.lines.emplace_back(bytes.data(), static_cast<std::size_t>(n));
    }
    close(slave);
    close(master);
    return out;
}

std::string visible(std::string const &s)
{
    std::string v;
    for (unsigned char c : s) {
        char text[8];
        if (c >= 0x20 && c < 0x7f && c != '\\')
            v += static_cast<char>(c);
        else
            std::snprintf(text, sizeof text, "\\x%02x", c), v += text;
    }
    return v;
}
}  // namespace io
