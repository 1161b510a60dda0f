// SPDX-License-Identifier: MIT
// Decompression of gzip members and raw deflate data (RFC 1951, RFC 1952), streaming: the input is one piece of memory, the output
// goes to a sink in chunks of at most 32 KiB. Safe for hostile input: every length, distance and code table is checked.
//
//   input --bits--> Huffman codes --literals, matches--> window (32 KiB ring) --full or end--> sink
#pragma once
#include <cstddef>
#include <cstdint>
#include <lib/result.hpp>
#include <span>

class InflateSink {
public:
    virtual Result<> write(std::span<std::uint8_t const>) = 0;  // an error ends the decompression with it

protected:
    ~InflateSink() = default;
};

// Big (about 37 KB): allocate it, do not put it on a kernel stack. Reusable.
class Inflate {
public:
    // Number of input bytes that were used. Error::nodata: the input ends too early; Error::badmsg: it is damaged.
    Result<std::size_t> run(std::span<std::uint8_t const> input, InflateSink &);
    // One gzip member with its header, checksum and length.
    Result<std::size_t> run_gzip(std::span<std::uint8_t const> input, InflateSink &);

private:
    static constexpr unsigned window_bytes = 32768, max_bits = 15, fast_bits = 9, literals = 288, distances = 32;
    // Canonical Huffman code (RFC 1951, 3.2.2): symbols in order of their codes, number of codes of each length; codes of up to
    // fast_bits bits are found with one look: entry = symbol << 4 | length.
    struct Code {
        std::uint16_t count[max_bits + 1], symbol[literals], fast[1u << fast_bits];
        Result<> build(std::uint8_t const *lengths, unsigned n);
    };

    Result<> need(unsigned n);
    Result<unsigned> bits(unsigned n);
    Result<unsigned> decode(Code const &);
    Result<> emit(std::uint8_t);
    Result<> flush();
    Result<> stored_block();
    Result<> coded_block();
    Result<> copy_match(unsigned symbol);
    Result<> read_dynamic_codes();
    Result<> read_code_lengths(std::uint8_t *lengths, unsigned n);
    Result<> make_fixed_codes();
    Result<std::size_t> skip_gzip_header(std::span<std::uint8_t const>);

    std::span<std::uint8_t const> in_;
    std::size_t at_ = 0;
    std::uint32_t hold_ = 0, held_ = 0;  // bits read ahead, lowest first
    InflateSink *sink_ = nullptr;
    std::uint32_t crc_ = 0, total_ = 0, filled_ = 0;
    bool wrapped_ = false;  // the window has been full once: all distances reach something
    Code literal_, distance_;
    std::uint8_t window_[window_bytes];
};

// CRC-32 as gzip uses it: pass the last result as `crc` to go on, 0 to begin.
std::uint32_t crc32(std::uint32_t crc, std::span<std::uint8_t const>);
