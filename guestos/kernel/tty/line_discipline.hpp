// SPDX-License-Identifier: MIT
// The line discipline: what happens to bytes between a terminal and its programs, as termios(3) and Linux's N_TTY have it.
//
//    keyboard --> receive() --> [ input: | finished lines or raw bytes | line being edited | ] --> read()
//                     |               read_                        canon_                head_
//                     v echo
//    screen   <-- [ waiting echo ] <-- write() <-- program
//
// It knows neither processes nor user memory, so it runs in host tests. Callers keep interrupts off around every call.
#pragma once
#include <cstddef>
#include <cstdint>
#include <kernel/tty/termios.hpp>

namespace kernel {
// What is below and around a line discipline.
class TerminalPort {
public:
    virtual std::size_t room() const = 0;              // bytes that send() takes now
    virtual void send(char const *, std::size_t) = 0;  // precondition: n <= room()
    virtual void raise(int signo) = 0;                 // to the foreground process group
    virtual void input_arrived() = 0;                  // something can be read
    virtual void output_discarded() = 0;               // drop what send() took and has not delivered
    virtual void flow_changed(bool /*stopped*/) {}
    virtual bool throttles_by_characters() const { return false; }  // IXOFF means something here

protected:
    ~TerminalPort() = default;
};

class LineDiscipline {
public:
    static constexpr std::uint32_t capacity = 4096;  // MAX_CANON and MAX_INPUT follow from it

    explicit LineDiscipline(TerminalPort &port) : port_{port} {}
    Termios const &settings() const { return settings_; }
    void set(Termios const &);

    // From the terminal. Returns how many bytes were taken: fewer when programs do not read.
    std::size_t receive(char const *, std::size_t);
    // Canonical: at most one line, *end set when its end was reached (an EOF character leaves nothing). Raw: what there is.
    std::size_t read(char *, std::size_t, bool *end);
    bool readable() const { return canonical() ? canon_ != read_ : head_ != read_; }
    std::uint32_t available() const;  // bytes read() could give now (FIONREAD)
    // From a program. Returns how many bytes were taken: fewer when the terminal has no room or is stopped.
    std::size_t write(char const *, std::size_t);
    bool writable() const { return !stopped_ && waiting_ == 0 && port_.room() > 0; }
    void room_again() { flush_waiting(); }  // the port has room: echo that had to wait goes first

    void discard_input();
    void discard_output();
    void stop();
    void start();
    bool stopped() const { return stopped_; }
    bool canonical() const { return (settings_.lflag & termios::icanon) != 0; }

private:
    bool in(std::uint32_t flag) const { return (settings_.iflag & flag) != 0; }
    bool out(std::uint32_t flag) const { return (settings_.oflag & flag) != 0; }
    bool local(std::uint32_t flag) const { return (settings_.lflag & flag) != 0; }
    bool is(unsigned char c, termios::Character which) const
    {
        return c != termios::disabled && c == settings_.cc[which];
    }
    bool continuation(unsigned char c) const { return in(termios::iutf8) && (c & 0xc0) == 0x80; }

    bool has_room() const;
    void receive_byte(unsigned char);
    bool flow_control(unsigned char);
    bool signal_character(unsigned char);
    bool editing_character(unsigned char);
    bool line_end(unsigned char);
    void finish_line(unsigned char);
    void queue(unsigned char);
    void erase(unsigned char);
    std::uint32_t character_start() const;
    bool erase_whole_line_by_echo();
    void echo_erased(unsigned char, std::uint32_t bytes, bool one);
    void echo_erased_tab();
    void finish_erasing();
    void reprint();
    void throttle();
    void unthrottle();

    void echo(unsigned char);  // control characters as ^X where ECHOCTL says so
    void echo_raw(unsigned char);
    unsigned process(unsigned char, char *out);  // OPOST; returns the number of bytes, at most 8
    void emit(char const *, std::size_t);
    void flush_waiting();

    bool marked(std::uint32_t at) const { return (ends_[at % capacity / 32] >> at % 32 & 1) != 0; }
    void mark(std::uint32_t at) { ends_[at % capacity / 32] |= 1u << at % 32; }
    void unmark(std::uint32_t at) { ends_[at % capacity / 32] &= ~(1u << at % 32); }

    TerminalPort &port_;
    Termios settings_;
    // Free-running positions: read_ <= canon_ <= head_ <= read_ + capacity.
    std::uint32_t read_ = 0, canon_ = 0, head_ = 0;
    std::uint32_t column_ = 0, line_start_column_ = 0;
    std::uint32_t shown_column_ = 0, shown_line_start_ = 0;  // without the echo that waits
    std::uint32_t waiting_ = 0;
    bool literal_ = false;  // VLNEXT was typed
    bool erasing_ = false;  // ECHOPRT: between \ and /
    bool stopped_ = false, throttled_ = false;
    std::uint32_t ends_[capacity / 32] = {};  // which bytes of the input end a line
    unsigned char input_[capacity];
    char waiting_bytes_[1024];
};
}  // namespace kernel
