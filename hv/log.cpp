// SPDX-License-Identifier: MIT
#include <cstdarg>
#include <cstdint>
#include <hv/console.hpp>
#include <hv/cpu.hpp>
#include <hv/log.hpp>
#include <lib/format.hpp>

namespace hv {
namespace {

constexpr unsigned line_bytes = 400;
constexpr std::uint32_t ring_bytes = 16384;  // a power of two
constexpr unsigned burst = 20;               // limited messages in each second
constexpr std::uint64_t second_ns = 1'000'000'000;

char ring[ring_bytes];
std::uint32_t ring_end;  // running number of the next byte

std::uint64_t window_start;
unsigned in_window, dropped;

void vlog(char const *format_string, std::va_list args)
{
    char line[line_bytes] = "(hv) ";
    constexpr unsigned prefix = 5;
    int n = vformat(line + prefix, sizeof line - prefix - 2, format_string, args);
    unsigned length = prefix + static_cast<unsigned>(n < 0 ? 0 : n);
    if (length > sizeof line - 3)
        length = sizeof line - 3;
    line[length] = '\n';
    log_ring_put(line, length + 1);
    line[length] = '\r';
    line[length + 1] = '\n';
    serial_write(line, length + 2);
}

}  // namespace

void log_ring_put(char const *text, std::uint32_t bytes)
{
    for (std::uint32_t i = 0; i < bytes; ++i)
        ring[ring_end++ % ring_bytes] = text[i];
}

std::uint32_t read_log_ring(std::uint32_t *index, char *out, std::uint32_t bytes)
{
    if (ring_end - *index > ring_bytes)
        *index = ring_end > ring_bytes ? ring_end - ring_bytes : 0;
    std::uint32_t n = 0;
    while (n < bytes && *index != ring_end)
        out[n++] = ring[(*index)++ % ring_bytes];
    return n;
}

void log(char const *format_string, ...)
{
    std::va_list args;
    va_start(args, format_string);
    vlog(format_string, args);
    va_end(args);
}

void log_limited(char const *format_string, ...)
{
    std::uint64_t now = now_ns();
    if (now - window_start > second_ns) {
        if (dropped)
            log("%u messages dropped", dropped);
        window_start = now;
        in_window = dropped = 0;
    }
    if (++in_window > burst) {
        ++dropped;
        return;
    }
    std::va_list args;
    va_start(args, format_string);
    vlog(format_string, args);
    va_end(args);
}

}  // namespace hv
