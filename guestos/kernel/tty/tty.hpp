// SPDX-License-Identifier: MIT
// Terminals as programs see them.
//
//   TtyFile --\                                     arch::console_read/write   (console.cpp)
//   TtyFile ---> Tty { LineDiscipline } <--port--> |
//   Session -/    session, foreground group         PtyMasterFile               (pty.cpp)
//
// Bytes arrive in interrupt context (console), so the discipline and what it calls run with interrupts off.
#pragma once
#include <kernel/fs/file.hpp>
#include <kernel/process/process.hpp>
#include <kernel/tty/line_discipline.hpp>

namespace kernel {
class Tty : public RefCounted, public TerminalPort {
public:
    Tty(unsigned major, unsigned minor) : major_number{major}, minor_number{minor} {}
    unsigned const major_number, minor_number;  // st_rdev, and tty_nr of /proc/N/stat
    LineDiscipline discipline{*this};
    WindowSize window;
    Ref<Session> session;  // whose controlling terminal this is, or null
    Ref<ProcessGroup> foreground;
    WaitQueue readers, writers;
    unsigned opened = 0;        // TtyFiles
    std::uint32_t hangups = 0;  // files opened before the last one are dead
    bool exclusive = false;     // TIOCEXCL

    void raise(int signo) override;
    void input_arrived() override { readers.wake_all(); }
    void output_discarded() override {}
    void flow_changed(bool stopped) override;
    virtual void pull_input() {}  // the discipline has room again
    virtual bool far_end_gone() const { return false; }
    virtual void settings_changed(Termios const & /*before*/) {}
    virtual void sanitize(Termios &) const {}  // what the hardware cannot do
    virtual void last_close() {}
    virtual void input_flushed() {}

    void set_settings(Termios const &);
    void set_window(WindowSize const &);
    std::size_t read_some(char *, std::size_t, bool *end);
};

class TtyFile : public File {
public:
    TtyFile(Ref<Tty> tty, unsigned open_flags, bool console);
    ~TtyFile() override;
    Result<std::size_t> read(IoBuffer &, std::uint64_t &) override;
    Result<std::size_t> write(IoBuffer &, std::uint64_t &) override;
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
    unsigned poll(PollTable *) override;
    void describe(char *out, std::size_t size) override;
    Tty *as_tty() override { return tty_.get(); }
    bool dead() const { return !console_ && generation_ != tty_->hangups; }

private:
    Result<std::size_t> read_canonical(IoBuffer &);
    Result<std::size_t> read_raw(IoBuffer &);
    Result<> wait_readable(std::uint64_t deadline_ns);
    Result<std::size_t> write_chunk(char const *, std::size_t n);
    Ref<Tty> tty_;
    bool console_;  // opened as /dev/console: no job control on read, survives a hang-up
    std::uint32_t generation_;
};

// open(2) of a terminal: Error::busy under TIOCEXCL; may make it the controlling terminal of a session leader.
Result<Ref<File>> open_tty(Ref<Tty>, unsigned flags, bool console = false);
// Terminal ioctls that work on either end of a pseudo terminal. `master`: asked there.
Result<std::int32_t> tty_ioctl(Tty &, unsigned command, std::uint32_t argument, bool master);
Result<std::int32_t> tty_settings_ioctl(Tty &, unsigned command, std::uint32_t argument, bool master);
Tty *console_tty();  // after console_init()
void console_init();
}  // namespace kernel
