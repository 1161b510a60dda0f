// SPDX-License-Identifier: MIT
// Pseudo terminals, pty(7).
//
//   terminal emulator                                                      programs
//   PtyMasterFile --write--> [ backlog ] --> LineDiscipline --read-->      TtyFile on /dev/pts/N
//                 <--read--- [ output  ] <-- (echo, OPOST) <--write--
#pragma once
#include <kernel/ipc/byte_ring.hpp>
#include <kernel/tty/tty.hpp>

namespace kernel {
inline constexpr unsigned pty_slave_major = 136, max_ptys = 256;

class PtySlave final : public Tty {
public:
    explicit PtySlave(unsigned number) : Tty{pty_slave_major, number} {}
    std::size_t room() const override { return output_.room(); }
    void send(char const *bytes, std::size_t n) override;
    void output_discarded() override;
    void input_flushed() override;
    void flow_changed(bool stopped) override;
    void pull_input() override;
    bool far_end_gone() const override { return master_gone; }
    void settings_changed(Termios const &before) override;
    void sanitize(Termios &) const override;
    void last_close() override;

    // The master's side.
    std::size_t take_output(char *, std::size_t);
    std::size_t output_bytes() const { return output_.used(); }
    std::size_t give_input(char const *, std::size_t);
    bool input_room() const { return backlog_.room() > 0; }
    bool closed_by_all() const { return was_opened && opened == 0; }

    WaitQueue master_readers, master_writers;
    std::uint32_t uid = 0, gid = 0;
    Ref<RefCounted> node;  // its inode in devpts, once somebody looked it up
    bool locked = true, master_gone = false, was_opened = false;
    bool packet_mode = false;
    std::uint8_t packet_status = 0;  // TIOCPKT_* that happened

private:
    void packet_event(std::uint8_t set, std::uint8_t clear = 0);
    ByteRing<8192> output_;
    ByteRing<4096> backlog_;
};

// /dev/ptmx
Result<Ref<File>> open_ptmx(Inode &, unsigned minor, unsigned flags);
PtySlave *find_pty(unsigned number);  // whose master is open, or nullptr
}  // namespace kernel
