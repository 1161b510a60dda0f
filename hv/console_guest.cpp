// SPDX-License-Identifier: MIT
// console_io of unprivileged domains: for people who bring up a kernel. Off, as in a release build of Xen, unless the command line says
// guest_loglvl=all. What a domain writes is logged in whole lines that bear its number, printable characters only, and only so many: a
// domain that writes without end fills neither log nor line.
//
//   bytes --> line of up to 120 --> enough tokens? --> "(d3) text" in the log --> what it wrote too much is counted, and said with its next line
#include <cstring>
#include <hv/console_guest.hpp>
#include <hv/cpu.hpp>
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/log.hpp>
#include <hv/memory.hpp>
#include <hv/options.hpp>
#include <hv/state.hpp>
#include <pv/xen.h>

namespace hv {

struct GuestConsole {
    static constexpr unsigned line_bytes = 120;
    static constexpr unsigned most_tokens = 20;  // lines at once
    static constexpr std::uint64_t token_ns = 200'000'000;
    char line[line_bytes + 1] = {};
    std::uint8_t length = 0;
    std::uint8_t tokens = most_tokens;
    std::uint32_t dropped = 0;
    std::uint64_t refilled_ns = 0;
};

namespace {

bool enabled;

bool take_token(GuestConsole &c)
{
    std::uint64_t now = now_ns(), gained = (now - c.refilled_ns) / GuestConsole::token_ns;
    if (gained) {
        c.refilled_ns = now;
        std::uint64_t tokens = c.tokens + gained;
        c.tokens = static_cast<std::uint8_t>(tokens < GuestConsole::most_tokens ? tokens : GuestConsole::most_tokens);
    }
    if (!c.tokens)
        return false;
    --c.tokens;
    return true;
}

void end_line(Domain const &d, GuestConsole &c)
{
    c.line[c.length] = 0;
    c.length = 0;
    if (!take_token(c)) {
        ++c.dropped;
        return;
    }
    if (c.dropped)
        log("(d%u) wrote %u lines more, which are dropped", d.id, c.dropped);
    c.dropped = 0;
    log("(d%u) %s", d.id, c.line);
}

void take(Domain const &d, GuestConsole &c, char byte)
{
    if (byte == '\n')
        return end_line(d, c);
    if (byte == '\r')
        return;
    bool printable = (byte >= ' ' && byte < 127) || byte == '\t';
    c.line[c.length++] = printable ? byte : '?';
    if (c.length == GuestConsole::line_bytes)
        end_line(d, c);
}

}  // namespace

void guest_console_init(char const *command_line)
{
    char const *level = find_option(command_line, "guest_loglvl");
    enabled = level && !std::strncmp(level, "all", 3);
}

std::int32_t guest_console_write(std::uint32_t buffer, std::uint32_t count)
{
    Domain &d = current_domain();
    if (!enabled)
        return -static_cast<std::int32_t>(Error::perm);
    if (!d.console)
        d.console = allocate_state<GuestConsole>(d);
    if (!d.console)
        return -static_cast<std::int32_t>(Error::nomem);
    char chunk[128];
    while (count) {
        if (preempt_requested())
            return continue_hypercall({CONSOLEIO_write, count, buffer});
        std::uint32_t n = count < sizeof chunk ? count : std::uint32_t{sizeof chunk};
        if (copy_from_guest(chunk, buffer, n))
            return -static_cast<std::int32_t>(Error::fault);
        for (std::uint32_t i = 0; i < n; ++i)
            take(d, *d.console, chunk[i]);
        buffer += n;
        count -= n;
    }
    return 0;
}

void free_guest_console(Domain &d)
{
    if (d.console)
        free_state(d, d.console);
    d.console = nullptr;
}

}  // namespace hv
