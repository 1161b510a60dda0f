// SPDX-License-Identifier: MIT
// Terminal settings as termios(3) and the kernel's i386 ABI have them. Values: Linux uapi asm-generic/termbits.h; that header
// itself is not used because its macros (CR0, ECHO, …) collide with other names.
#pragma once
#include <cstddef>
#include <cstdint>

namespace kernel {
namespace termios {
enum Input : std::uint32_t {
    ignbrk = 01,
    brkint = 02,
    ignpar = 04,
    parmrk = 010,
    inpck = 020,
    istrip = 040,
    inlcr = 0100,
    igncr = 0200,
    icrnl = 0400,
    iuclc = 01000,
    ixon = 02000,
    ixany = 04000,
    ixoff = 010000,
    imaxbel = 020000,
    iutf8 = 040000,
};
enum Output : std::uint32_t {
    opost = 01,
    olcuc = 02,
    onlcr = 04,
    ocrnl = 010,
    onocr = 020,
    onlret = 040,
    ofill = 0100,
    ofdel = 0200,
    tabdly = 014000,
    tab3 = 014000,
};
enum Control : std::uint32_t {
    b38400 = 017,
    cbaud = 010017,
    bother = 010000,
    csize = 060,
    cs8 = 060,
    cread = 0200,
    parenb = 0400,
    hupcl = 02000,
    clocal = 04000,
    cibaud = 002003600000,
};
enum Local : std::uint32_t {
    isig = 01,
    icanon = 02,
    echo = 010,
    echoe = 020,
    echok = 040,
    echonl = 0100,
    noflsh = 0200,
    tostop = 0400,
    echoctl = 01000,
    echoprt = 02000,
    echoke = 04000,
    flusho = 010000,
    pendin = 040000,
    iexten = 0100000,
    extproc = 0200000,
};
enum Character : unsigned {
    vintr,
    vquit,
    verase,
    vkill,
    veof,
    vtime,
    vmin,
    vswtc,
    vstart,
    vstop,
    vsusp,
    veol,
    vreprint,
    vdiscard,
    vwerase,
    vlnext,
    veol2,
    nccs = 19,
};
enum FlowAction : std::uint32_t { tcooff, tcoon, tcioff, tcion };      // TCXONC
enum QueueSelector : std::uint32_t { tciflush, tcoflush, tcioflush };  // TCFLSH
inline constexpr std::uint8_t disabled = 0;  // _POSIX_VDISABLE: this character is never special
}  // namespace termios

struct Termios {  // struct termios2; its first 36 bytes are struct termios
    std::uint32_t iflag = termios::icrnl | termios::ixon;
    std::uint32_t oflag = termios::opost | termios::onlcr;
    std::uint32_t cflag = termios::b38400 | termios::cs8 | termios::cread;
    std::uint32_t lflag = termios::isig | termios::icanon | termios::echo | termios::echoe | termios::echok
        | termios::echoctl | termios::echoke | termios::iexten;
    std::uint8_t line = 0;  // N_TTY
    //                                intr  quit  erase kill eof  time min swtc start stop  susp  eol rprnt disc  werase lnext eol2
    std::uint8_t cc[termios::nccs] = {0x03, 0x1c, 0x7f, 0x15, 0x04, 0,    1, 0, 0x11, 0x13,
                                      0x1a, 0,    0x12, 0x0f, 0x17, 0x16, 0, 0, 0};
    std::uint32_t ispeed = 38400, ospeed = 38400;
};
inline constexpr std::uint32_t termios_bytes = 36, termios2_bytes = 44;
static_assert(sizeof(Termios) == termios2_bytes && offsetof(Termios, ispeed) == termios_bytes);

struct OldTermios {  // struct termio (System V)
    std::uint16_t iflag, oflag, cflag, lflag;
    std::uint8_t line, cc[8];
};
static_assert(sizeof(OldTermios) == 18);

struct WindowSize {
    std::uint16_t rows = 0, columns = 0, x_pixels = 0, y_pixels = 0;
    friend bool operator==(WindowSize const &, WindowSize const &) = default;
};
static_assert(sizeof(WindowSize) == 8);
}  // namespace kernel
