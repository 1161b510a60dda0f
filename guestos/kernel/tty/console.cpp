// SPDX-License-Identifier: MIT
// The console's terminal, over the architecture's byte pipe. Bytes that the discipline does not take stay in the architecture,
// which holds the sender back.
#include <arch/platform.hpp>
#include <arch/upcalls.hpp>
#include <kernel/fs/device.hpp>
#include <kernel/tty/job_control.hpp>
#include <kernel/tty/tty.hpp>

namespace kernel {
namespace {
constexpr unsigned tty_major = 4, first_serial_minor = 64;  // /dev/ttyS0

class ConsoleTty final : public Tty {
public:
    ConsoleTty() : Tty{tty_major, first_serial_minor} {}
    std::size_t room() const override { return arch::console_room(); }
    void send(char const *bytes, std::size_t n) override { arch::console_write(bytes, n); }
    bool throttles_by_characters() const override { return true; }

    void pull_input() override
    {
        for (;;) {
            auto taken = discipline.receive(held_ + start_, end_ - start_);
            start_ += taken;
            if (start_ != end_)
                return;
            start_ = 0;
            end_ = arch::console_read(held_, sizeof held_);
            if (!end_)
                return;
        }
    }
    void input_flushed() override
    {
        start_ = end_ = 0;
        while (arch::console_read(held_, sizeof held_) != 0) {}
    }

private:
    char held_[64];
    std::size_t start_ = 0, end_ = 0;  // read from the architecture, not taken yet
};

constinit ConsoleTty *console = nullptr;

Result<Ref<File>> open_console(Inode &, unsigned, unsigned flags) { return open_tty(Ref<Tty>{console}, flags, true); }
Result<Ref<File>> open_serial(Inode &, unsigned, unsigned flags) { return open_tty(Ref<Tty>{console}, flags); }
Result<Ref<File>> open_controlling(Inode &, unsigned, unsigned flags)
{
    auto tty = controlling_tty();
    if (!tty)
        return Error::nxio;
    return open_tty(Ref<Tty>{tty}, flags);
}

REGISTER_DEVICE(tty_device, "tty", false, 5, 0, 1, 0666, open_controlling);
REGISTER_DEVICE(console_device, "console", false, 5, 1, 1, 0600, open_console);
REGISTER_DEVICE(serial_device, "ttyS0", false, tty_major, first_serial_minor, 1, 0660, open_serial);
REGISTER_DEVICE(hvc_device, "hvc0", false, 229, 0, 1, 0660, open_serial);
}  // namespace

Tty *console_tty() { return console; }

void console_init()
{
    console = new (std::nothrow) ConsoleTty;
    if (!console)
        panic("no memory for the console's terminal");
    console->ref();
    arch::IrqGuard guard;
    console->pull_input();  // what was typed before
}

void on_console_input()
{
    if (!console)
        return;
    console->pull_input();
    if (!console->room())
        return;
    console->discipline.room_again();
    console->writers.wake_all();
}
}  // namespace kernel
