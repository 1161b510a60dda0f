// SPDX-License-Identifier: MIT
// Frames: how `lodger run` on the host and `init` in the guest share one serial console with everybody's log lines.
//
//   0x1e 'L' | type | sequence | length (2, little-endian) | payload | checksum (2, little-endian)
//
// A sender writes each frame with one write(2) of at most max_frame bytes, which the guest kernel passes on contiguously; bytes
// outside frames are log text. A receiver that sees a broken frame takes its first byte for text and looks on.
// In the direction host -> guest every byte below 0x03 is escaped, so that no input can hold the hypervisor's console switch
// (Ctrl-A three times).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lodger {
enum class FrameType : std::uint8_t {
    // guest -> host
    hello = 'H',         // init is ready: the first frame
    output = '1',        // the program's standard output
    error_output = '2',  // the program's standard error
    credit = 'W',        // u32: so many bytes of standard input have been passed on
    exited = 'X',        // u32: wait(2) status of the program; the last frame
    failed = 'E',        // text: the program could not be started; one sentence
    // host -> guest
    input = '0',      // bytes of standard input
    input_end = 'Z',  // end of file on standard input
    window = 'S',     // u16 rows, u16 columns
    signal = 'K',     // u8: a signal for the program's process group
};

inline constexpr std::size_t max_frame = 512;
inline constexpr std::size_t frame_overhead = 8;
inline constexpr std::size_t max_payload = 480;
// Bytes of standard input that may be under way without a credit frame. Escaped they must fit the guest's console input queue.
inline constexpr std::size_t input_window = 1024;

struct Frame {
    FrameType type;
    std::vector<std::uint8_t> payload;
    std::uint32_t u32() const;  // payload as a little-endian number; 0 when too short
};

std::vector<std::uint8_t> encode_frame(FrameType, std::uint8_t sequence, std::span<std::uint8_t const> payload);
// For who passes frames on: how many bytes at the start belong together, either one frame or text up to the next. 0: the rest of a
// frame is still to come. Precondition: there is at least one byte.
std::size_t piece_to_pass_on(std::span<std::uint8_t const>);
std::vector<std::uint8_t> escape_for_guest(std::span<std::uint8_t const>);

// Takes bytes as they come; hands out frames and, in between, text.
class FrameReader {
public:
    explicit FrameReader(bool escaped) : escaped_{escaped} {}
    void feed(std::span<std::uint8_t const>, void (*on_frame)(void *, Frame const &),
              void (*on_text)(void *, std::span<std::uint8_t const>), void *context);
    // Bytes held back that may still become a frame; as text when the stream ends.
    std::vector<std::uint8_t> rest() const { return held_; }

private:
    bool escaped_, escape_open_ = false;
    std::vector<std::uint8_t> held_;
};
}  // namespace lodger
