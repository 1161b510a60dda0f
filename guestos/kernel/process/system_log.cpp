// SPDX-License-Identifier: MIT
// syslog(2): dmesg(1) and klogd(8) read the kernel's log through it.
#include <algorithm>
#include <kernel/log.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>
#include <memory>

namespace kernel {
namespace {
enum class Action : int {
    close,
    open,
    read,
    read_all,
    read_clear,
    clear,
    console_off,
    console_on,
    console_level,
    size_unread,
    size_buffer
};
constexpr unsigned cap_sys_admin = 21, cap_syslog = 34;
constexpr std::uint32_t log_bytes = 128 * 1024;
std::uint64_t read_position, clear_position;
int level_before_off = -1;

Result<std::int32_t> copy_log(std::uint64_t &from, std::uint32_t to, std::uint32_t n)
{
    n = std::min(n, log_bytes);
    std::unique_ptr<char[]> text{new (std::nothrow) char[page_size]};
    if (!text)
        return Error::nomem;
    std::uint32_t done = 0;
    while (done < n) {
        auto part = read_log(from, text.get(), std::min(n - done, page_size));
        if (part == 0)
            break;
        TRY(copy_out(Vaddr{to + done}, text.get(), part));
        done += part;
    }
    return static_cast<std::int32_t>(done);
}

Result<std::int32_t> read_new(std::uint32_t to, std::uint32_t n)
{
    TRY(wait_until(log_grows(), [] { return read_position < log_end(); }));
    return copy_log(read_position, to, n);
}

// The last n bytes since the last clear.
Result<std::int32_t> read_all(std::uint32_t to, std::uint32_t n)
{
    auto from = std::max(log_start(), clear_position);
    if (log_end() - from > n)
        from = log_end() - n;
    return copy_log(from, to, n);
}

Result<std::int32_t> set_console(Action action, int level)
{
    if (action == Action::console_level && (level < 1 || level > 8))
        return Error::inval;
    if (action == Action::console_off && level_before_off < 0)
        level_before_off = console_log_level();
    if (action == Action::console_off)
        level = 1;
    if (action == Action::console_on)
        level = level_before_off < 0 ? console_log_level() : level_before_off;
    if (action != Action::console_off)
        level_before_off = -1;
    set_console_log_level(level);
    return 0;
}

Result<std::int32_t> sys_syslog(int type, std::uint32_t to, std::int32_t n)
{
    auto action = static_cast<Action>(type);
    auto const &c = current().credentials;
    bool harmless = action == Action::read_all || action == Action::size_buffer;
    if (!harmless && !c.has_cap(cap_syslog) && !c.has_cap(cap_sys_admin))
        return Error::perm;
    bool reads = action == Action::read || action == Action::read_all || action == Action::read_clear;
    if (reads && (to == 0 || n < 0))
        return Error::inval;
    if (reads && n == 0)
        return 0;
    switch (action) {
    case Action::close:
    case Action::open: return 0;
    case Action::read: return read_new(to, static_cast<std::uint32_t>(n));
    case Action::read_all: return read_all(to, static_cast<std::uint32_t>(n));
    case Action::read_clear: {
        auto r = read_all(to, static_cast<std::uint32_t>(n));
        clear_position = log_end();
        return r;
    }
    case Action::clear: clear_position = log_end(); return 0;
    case Action::console_off:
    case Action::console_on:
    case Action::console_level: return set_console(action, n);
    case Action::size_unread: return static_cast<std::int32_t>(log_end() - std::max(read_position, log_start()));
    case Action::size_buffer: return static_cast<std::int32_t>(log_bytes);
    }
    return Error::inval;
}
SYSCALL(syslog, 103, sys_syslog);
}  // namespace
}  // namespace kernel
