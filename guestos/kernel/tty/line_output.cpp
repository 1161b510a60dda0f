// SPDX-License-Identifier: MIT
// Output and echo: from programs, and from what is typed, to the terminal. termios(3), c_oflag and ECHO*.
#include <cstring>
#include <kernel/tty/line_discipline.hpp>

namespace kernel {
using namespace termios;

namespace {
constexpr bool is_control(unsigned char c) { return c < 0x20 || c == 0x7f; }
constexpr unsigned char upper_case(unsigned char c)  // Latin-1, as Linux's ctype table
{
    bool lower = (c >= 'a' && c <= 'z') || (c >= 0xdf && c != 0xf7);
    return static_cast<unsigned char>(lower ? c - 0x20 : c);
}
constexpr unsigned most_output_bytes = 8;  // of one input byte: a tab
}  // namespace

// Column tracking serves ONOCR, tabs, and the erasing of tabs; it counts characters, not bytes, with IUTF8.
unsigned LineDiscipline::process(unsigned char c, char *to)
{
    to[0] = static_cast<char>(c);
    switch (c) {
    case '\n':
        if (out(onlret))
            column_ = 0;
        if (out(onlcr)) {
            line_start_column_ = column_ = 0;
            to[0] = '\r';
            to[1] = '\n';
            return 2;
        }
        line_start_column_ = column_;
        return 1;
    case '\r':
        if (out(onocr) && column_ == 0)
            return 0;
        if (out(ocrnl)) {
            to[0] = '\n';
            if (out(onlret))
                line_start_column_ = column_ = 0;
            return 1;
        }
        line_start_column_ = column_ = 0;
        return 1;
    case '\t': {
        unsigned spaces = 8 - (column_ & 7);
        column_ += spaces;
        if (!((settings_.oflag & tabdly) == tab3))
            return 1;
        std::memset(to, ' ', spaces);
        return spaces;
    }
    case '\b':
        if (column_ > 0)
            --column_;
        return 1;
    default:
        if (is_control(c))
            return 1;
        if (out(olcuc))
            to[0] = static_cast<char>(upper_case(c));
        if (!continuation(c))
            ++column_;
        return 1;
    }
}

std::size_t LineDiscipline::write(char const *bytes, std::size_t n)
{
    if (!writable()) {
        if (!stopped_)
            flush_waiting();
        if (!writable())
            return 0;
    }
    if (!out(opost)) {  // one piece, as it came
        std::size_t const room = port_.room(), taken = n < room ? n : room;
        port_.send(bytes, taken);
        return taken;
    }
    char processed[512];
    std::size_t room = port_.room(), made = 0, taken = 0;
    if (room > sizeof processed)
        room = sizeof processed;
    while (taken < n && made + most_output_bytes <= room)
        made += process(static_cast<unsigned char>(bytes[taken++]), processed + made);
    if (!taken && n) {  // little room is left: byte by byte as long as it fits
        auto saved_column = column_, saved_start = line_start_column_;
        char one[most_output_bytes];
        unsigned bytes_made = process(static_cast<unsigned char>(bytes[0]), one);
        if (bytes_made > room) {
            column_ = saved_column;
            line_start_column_ = saved_start;
            return 0;
        }
        port_.send(one, bytes_made);
        return 1;
    }
    if (made)
        port_.send(processed, made);
    return taken;
}

// Echo may not block: what the terminal does not take now waits here, and is lost when even that is full.
void LineDiscipline::emit(char const *bytes, std::size_t n)
{
    flush_waiting();
    if (!stopped_ && waiting_ == 0 && port_.room() >= n) {
        port_.send(bytes, n);
        return;
    }
    if (n > sizeof waiting_bytes_ - waiting_)
        return;
    std::memcpy(waiting_bytes_ + waiting_, bytes, n);
    waiting_ += static_cast<std::uint32_t>(n);
}

void LineDiscipline::flush_waiting()
{
    if (stopped_ || !waiting_)
        return;
    std::size_t const room = port_.room();
    std::uint32_t n = room < waiting_ ? static_cast<std::uint32_t>(room) : waiting_;
    if (!n)
        return;
    port_.send(waiting_bytes_, n);
    waiting_ -= n;
    std::memmove(waiting_bytes_, waiting_bytes_ + n, waiting_);
}

// Echo that never reached the terminal moved nothing there.
void LineDiscipline::discard_output()
{
    if (!waiting_)
        return;
    waiting_ = 0;
    column_ = shown_column_;
    line_start_column_ = shown_line_start_;
}

void LineDiscipline::stop()
{
    if (stopped_)
        return;
    stopped_ = true;
    port_.flow_changed(true);
}

void LineDiscipline::start()
{
    if (!stopped_)
        return;
    stopped_ = false;
    flush_waiting();
    port_.flow_changed(false);
}

void LineDiscipline::echo_raw(unsigned char c)
{
    char made[most_output_bytes];
    unsigned n = 1;
    if (out(opost))
        n = process(c, made);
    else
        made[0] = static_cast<char>(c);
    if (n)
        emit(made, n);
}

void LineDiscipline::echo(unsigned char c)
{
    if (c == 0xff) {  // Linux's mark in its echo buffer: the one byte that OLCUC leaves alone
        ++column_;
        char const same = static_cast<char>(c);
        return emit(&same, 1);
    }
    if (!local(echoctl) || !is_control(c) || c == '\t')
        return echo_raw(c);
    char const pair[2] = {'^', static_cast<char>(c ^ 0x40)};
    column_ += 2;
    emit(pair, 2);
}

void LineDiscipline::finish_erasing()
{
    if (!erasing_)
        return;
    echo_raw('/');
    erasing_ = false;
}

void LineDiscipline::reprint()
{
    finish_erasing();
    echo(settings_.cc[vreprint]);
    echo_raw('\n');
    for (auto at = canon_; at != head_; ++at)
        echo(input_[at % capacity]);
}

// A character (its first byte, and how many there were) has left the line: show that. `one`: VERASE took it.
void LineDiscipline::echo_erased(unsigned char c, std::uint32_t bytes, bool one)
{
    if (local(echoprt)) {
        if (!erasing_)
            echo_raw('\\');
        erasing_ = true;
        echo(c);
        for (std::uint32_t i = 1; i < bytes; ++i) {
            echo_raw(input_[(head_ + i) % capacity]);
            if (column_ > 0 && !continuation(input_[(head_ + i) % capacity]))
                --column_;
        }
        return;
    }
    if (one && !local(echoe))
        return echo(settings_.cc[verase]);
    if (c == '\t')
        return echo_erased_tab();
    unsigned columns = !is_control(c) ? 1 : local(echoctl) ? 2 : 0;
    for (; columns > 0; --columns) {
        echo_raw('\b');
        echo_raw(' ');
        echo_raw('\b');
    }
}

// How wide the tab was follows from what stands before it on the line: back to an earlier tab or the line's start.
void LineDiscipline::echo_erased_tab()
{
    std::uint32_t columns = 0;
    auto at = head_;
    bool after_tab = false;
    while (at != canon_ && !after_tab) {
        unsigned char c = input_[--at % capacity];
        if (c == '\t')
            after_tab = true;
        else if (is_control(c))
            columns += local(echoctl) ? 2 : 0;
        else if (!continuation(c))
            ++columns;
    }
    if (!after_tab)
        columns += line_start_column_;
    for (std::uint32_t back = 8 - (columns & 7); back > 0; --back) {
        emit("\b", 1);
        if (column_ > 0)
            --column_;
    }
}
}  // namespace kernel
