// SPDX-License-Identifier: MIT
// Input: from the terminal to the programs. termios(3), "Canonical and noncanonical mode".
#include <kernel/tty/line_discipline.hpp>

namespace kernel {
using namespace termios;

namespace {
constexpr std::uint32_t throttle_below = 128;  // bytes of room, and of data to start again

constexpr bool is_word(unsigned char c)  // what VWERASE takes as one: Latin-1 letters too, as Linux's ctype table
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_'
        || (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

constexpr unsigned char lower_case(unsigned char c)  // of the same table
{
    bool upper = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
    return upper ? c | 0x20 : c;
}
}  // namespace

void LineDiscipline::set(Termios const &to)
{
    bool modes_differ = ((settings_.lflag ^ to.lflag) & (icanon | extproc)) != 0;
    settings_ = to;
    if (modes_differ) {
        // What was received raw becomes one finished line; what was being edited becomes raw bytes.
        for (auto &word : ends_)
            word = 0;
        if (canonical() && head_ != read_)
            mark(head_ - 1);
        canon_ = head_;
        literal_ = erasing_ = false;
    }
    if (!in(ixon) && stopped_)
        start();
    if (readable())
        port_.input_arrived();
}

bool LineDiscipline::has_room() const { return head_ - read_ < capacity - 1; }

std::size_t LineDiscipline::receive(char const *bytes, std::size_t n)
{
    std::size_t taken = 0;
    for (; taken < n; ++taken) {
        if (!has_room()) {
            // A line longer than the buffer: its last byte is replaced until the end of the line comes.
            if (!canonical() || canon_ != read_)
                break;
            if (head_ - read_ == capacity)
                --head_;
        }
        receive_byte(static_cast<unsigned char>(bytes[taken]));
    }
    throttle();
    if (taken && !canonical() && head_ != read_)
        port_.input_arrived();
    return taken;
}

void LineDiscipline::receive_byte(unsigned char c)
{
    if (!waiting_) {
        shown_column_ = column_;
        shown_line_start_ = line_start_column_;
    }
    if (in(istrip))
        c &= 0x7f;
    if (in(iuclc) && local(iexten))
        c = lower_case(c);
    bool is_return = false;  // that ends a line: shown as one even raw
    if (literal_) {
        literal_ = false;
    } else {
        if (flow_control(c) || signal_character(c))
            return;
        if (stopped_ && in(ixon) && in(ixany))
            start();
        if (c == '\r') {
            if (in(igncr))
                return;
            is_return = in(icrnl);
            if (is_return)
                c = '\n';
        } else if (c == '\n' && in(inlcr)) {
            c = '\r';
        }
        if (canonical() && (editing_character(c) || line_end(c)))
            return;
    }
    if (local(termios::echo)) {
        finish_erasing();
        if (is_return) {
            echo_raw(c);
        } else {
            if (canon_ == head_)
                line_start_column_ = column_;
            echo(c);
        }
    }
    if (in(parmrk) && c == 0xff)
        queue(c);
    queue(c);
}

bool LineDiscipline::flow_control(unsigned char c)
{
    if (!in(ixon))
        return false;
    if (is(c, vstart)) {
        start();
        return true;
    }
    if (!is(c, vstop))
        return false;
    stop();
    return true;
}

bool LineDiscipline::signal_character(unsigned char c)
{
    if (!local(isig))
        return false;
    int signo = is(c, vintr) ? 2 : is(c, vquit) ? 3 : is(c, vsusp) ? 20 : 0;  // SIGINT, SIGQUIT, SIGTSTP
    if (!signo)
        return false;
    port_.raise(signo);
    if (!local(noflsh)) {
        discard_output();
        port_.output_discarded();
        discard_input();
    }
    if (in(ixon))
        start();
    if (local(termios::echo))
        echo(c);
    return true;
}

// Erase, kill, literal-next, reprint: what changes the line being edited.
bool LineDiscipline::editing_character(unsigned char c)
{
    bool extended = local(iexten);
    if (is(c, verase) || is(c, vkill) || (extended && is(c, vwerase))) {
        erase(c);
        return true;
    }
    if (extended && is(c, vlnext)) {
        literal_ = true;
        if (local(termios::echo)) {
            finish_erasing();
            if (local(echoctl)) {
                echo_raw('^');
                echo_raw('\b');
            }
        }
        return true;
    }
    if (extended && local(termios::echo) && is(c, vreprint)) {
        reprint();
        return true;
    }
    return false;
}

bool LineDiscipline::line_end(unsigned char c)
{
    if (c == '\n') {
        if (local(termios::echo) || local(echonl))
            echo_raw('\n');
        finish_line(c);
        return true;
    }
    if (is(c, veof)) {
        finish_line(disabled);
        return true;
    }
    if (is(c, veol) || (local(iexten) && is(c, veol2))) {
        if (local(termios::echo)) {
            if (canon_ == head_)
                line_start_column_ = column_;
            echo(c);
        }
        if (in(parmrk) && c == 0xff)
            queue(c);
        finish_line(c);
        return true;
    }
    return false;
}

void LineDiscipline::finish_line(unsigned char c)
{
    mark(head_);
    input_[head_++ % capacity] = c;
    canon_ = head_;
    port_.input_arrived();
}

void LineDiscipline::queue(unsigned char c)
{
    if (head_ - read_ == capacity)
        return;
    unmark(head_);
    input_[head_++ % capacity] = c;
}

// Where the last character of the line being edited starts, or head_ if it is only the tail of one.
std::uint32_t LineDiscipline::character_start() const
{
    std::uint32_t at = head_;
    unsigned char c;
    do
        c = input_[--at % capacity];
    while (continuation(c) && at != canon_);
    return continuation(c) ? head_ : at;
}

// VKILL where the terminal cannot show each character go. True: that was all.
bool LineDiscipline::erase_whole_line_by_echo()
{
    if (local(termios::echo) && local(echok) && local(echoke) && local(echoe))
        return false;
    head_ = canon_;
    if (local(termios::echo)) {
        finish_erasing();
        echo(settings_.cc[vkill]);
        if (local(echok))
            echo_raw('\n');
    }
    return true;
}

void LineDiscipline::erase(unsigned char which)
{
    if (head_ == canon_)
        return;
    bool one = is(which, verase), word = !one && !is(which, vkill);
    if (!one && !word && erase_whole_line_by_echo())
        return;
    bool word_seen = false;
    while (head_ != canon_) {
        std::uint32_t start = character_start();
        if (start == head_)
            break;
        unsigned char c = input_[start % capacity];
        if (word) {
            if (is_word(c))
                word_seen = true;
            else if (word_seen)
                break;
        }
        std::uint32_t bytes = head_ - start;
        head_ = start;
        if (local(termios::echo))
            echo_erased(c, bytes, one);
        if (one)
            break;
    }
    if (head_ == canon_ && local(termios::echo))
        finish_erasing();
}

void LineDiscipline::discard_input()
{
    read_ = canon_ = head_;
    for (auto &word : ends_)
        word = 0;
    erasing_ = literal_ = false;
    unthrottle();
}

std::uint32_t LineDiscipline::available() const
{
    if (!canonical())
        return head_ - read_;
    std::uint32_t count = canon_ - read_;
    for (auto at = read_; at != canon_; ++at)
        if (marked(at) && input_[at % capacity] == disabled)
            --count;  // EOF is no data
    return count;
}

std::size_t LineDiscipline::read(char *to, std::size_t n, bool *end)
{
    std::uint32_t limit = canonical() ? canon_ : head_;
    std::size_t got = 0;
    *end = false;
    while (read_ != limit) {
        bool line_end = canonical() && marked(read_);
        unsigned char c = input_[read_ % capacity];
        if (line_end && c == disabled) {  // EOF; right behind what filled the buffer it goes with it
            ++read_;
            *end = true;
            break;
        }
        if (got == n)
            break;
        ++read_;
        to[got++] = static_cast<char>(c);
        if (line_end) {
            *end = true;
            break;
        }
    }
    unthrottle();
    return got;
}

void LineDiscipline::throttle()
{
    if (!in(ixoff) || throttled_ || !port_.throttles_by_characters() || capacity - (head_ - read_) > throttle_below)
        return;
    throttled_ = true;
    char c = static_cast<char>(settings_.cc[vstop]);
    if (port_.room())
        port_.send(&c, 1);
}

void LineDiscipline::unthrottle()
{
    if (!throttled_ || head_ - read_ > throttle_below)
        return;
    throttled_ = false;
    char c = static_cast<char>(settings_.cc[vstart]);
    if (port_.room())
        port_.send(&c, 1);
}
}  // namespace kernel
