// SPDX-License-Identifier: MIT
#include <algorithm>
#include <arch/clock.hpp>
#include <arch/cpu.hpp>
#include <arch/irq.hpp>
#include <arch/platform.hpp>
#include <cstdarg>
#include <cstring>
#include <kernel/lazy.hpp>
#include <kernel/log.hpp>
#include <kernel/process/wait.hpp>
#include <lib/format.hpp>

namespace kernel {
namespace {
constexpr std::size_t ring_bytes = 128 * 1024;
constexpr std::size_t line_bytes = 480;  // with its prefix it reaches the console in one piece
constinit char ring[ring_bytes];
constinit std::uint64_t end_position = 0;
constinit int console_level = 7;
constinit bool clock_runs = false;
constinit Lazy<WaitQueue> growth;

constexpr unsigned remembered_keys = 128;
constinit std::uint32_t seen[remembered_keys];
constinit unsigned seen_count = 0;

void append(char const *text, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i)
        ring[end_position++ % ring_bytes] = text[i];
}

// "<3>text" has level 3; the rest is the message.
int take_level(char const *&text)
{
    if (text[0] != '<' || text[1] < '0' || text[1] > '7' || text[2] != '>')
        return 6;
    int level = text[1] - '0';
    text += 3;
    return level;
}

void store(int level, char const *line, std::size_t n)
{
    char mark[4];
    append(mark, static_cast<std::size_t>(format(mark, sizeof mark, "<%d>", level)));
    append(line, n);
    append("\n", 1);
}

void vlog(char const *text, std::va_list arguments)
{
    char line[line_bytes + 2];
    int level = take_level(text);
    auto now = clock_runs ? arch::now_ns() : 0;
    auto seconds = static_cast<unsigned>(now / 1'000'000'000), micros = static_cast<unsigned>(now % 1'000'000'000 / 1000);
    auto n = static_cast<std::size_t>(format(line, line_bytes, "[%5u.%06u] ", seconds, micros));
    n += static_cast<std::size_t>(vformat(line + n, line_bytes - n, text, arguments));
    n = std::min(n, line_bytes - 1);
    while (n != 0 && line[n - 1] == '\n')
        --n;

    arch::IrqGuard guard;
    store(level, line, n);
    if (level < console_level) {
        line[n++] = '\r';
        line[n++] = '\n';
        arch::console_write(line, n);
    }
    growth->wake_all();
}
}  // namespace

void log(char const *text, ...)
{
    std::va_list arguments;
    va_start(arguments, text);
    vlog(text, arguments);
    va_end(arguments);
}

void log_once(std::uint32_t key, char const *text, ...)
{
    for (unsigned i = 0; i < seen_count; ++i)
        if (seen[i] == key)
            return;
    if (seen_count == remembered_keys)
        return;
    seen[seen_count++] = key;
    std::va_list arguments;
    va_start(arguments, text);
    vlog(text, arguments);
    va_end(arguments);
}

std::uint64_t log_end() { return end_position; }

// After the ring has wrapped, the oldest line is one that lost its beginning: it starts with the next.
std::uint64_t log_start()
{
    if (end_position <= ring_bytes)
        return 0;
    auto at = end_position - ring_bytes;
    while (at < end_position && ring[at % ring_bytes] != '\n')
        ++at;
    return at + 1;
}

std::size_t read_log(std::uint64_t &from, char *out, std::size_t n)
{
    arch::IrqGuard guard;
    from = std::max(from, log_start());
    std::size_t done = 0;
    while (done < n && from < end_position)
        out[done++] = ring[from++ % ring_bytes];
    return done;
}

WaitQueue &log_grows() { return growth.get(); }
int console_log_level() { return console_level; }
void set_console_log_level(int level) { console_level = level; }
void log_has_clock() { clock_runs = true; }
}  // namespace kernel

void panic(char const *text, ...)
{
    arch::IrqFlags::disable();
    static constinit int depth = 0;
    char message[400];
    std::va_list arguments;
    va_start(arguments, text);
    vformat(message, sizeof message, text, arguments);
    va_end(arguments);
    if (depth++ == 0) {
        kernel::set_console_log_level(8);
        kernel::log("<0>panic: %s", message);
        arch::log_backtrace();
    }
    arch::halt_forever();
}
