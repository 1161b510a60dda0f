// SPDX-License-Identifier: MIT
// Packets. Everywhere in the kernel a packet is a chain of lwIP's pbufs, an Ethernet frame unless said otherwise; two fields of our
// own in its first pbuf say what is known of its checksum and whether it is a train of TCP segments.
//
//   first pbuf: headers ----> borrowed: a part of another packet   ----> frame: a page of a ring's, given back when
//   (lwIP's heap)             (holds a reference to it)                  the last reference goes
#pragma once
#include <cstdint>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <lwip/pbuf.h>
#include <utility>

namespace kernel::net {
enum class Checksum : std::uint8_t {
    unknown,  // in the packet; whoever receives it verifies it
    good,     // verified, or never on a wire
    blank,    // the TCP or UDP checksum field holds the sum of the pseudo header: somebody must complete it
};

inline constexpr unsigned ethernet_header_bytes = 14;
inline constexpr unsigned most_header_bytes = 14 + 60 + 60;  // Ethernet, IP, TCP: what is looked at of a frame
inline constexpr unsigned most_frame_bytes = 65535;

// Owns one reference to a chain.
class Packet {
public:
    Packet() = default;
    explicit Packet(pbuf *p) : p_{p} {}  // takes the reference over
    Packet(Packet &&other) noexcept : p_{std::exchange(other.p_, nullptr)} {}
    Packet &operator=(Packet &&other) noexcept
    {
        std::swap(p_, other.p_);
        return *this;
    }
    ~Packet()
    {
        if (p_)
            pbuf_free(p_);
    }
    static Packet share(pbuf *p)  // one more reference
    {
        pbuf_ref(p);
        return Packet{p};
    }
    explicit operator bool() const { return p_ != nullptr; }
    pbuf *get() const { return p_; }
    pbuf *operator->() const { return p_; }
    pbuf *release() { return std::exchange(p_, nullptr); }
    std::uint16_t bytes() const { return p_->tot_len; }
    Checksum checksum() const { return static_cast<Checksum>(p_->checksum_state); }
    void set_checksum(Checksum c) { p_->checksum_state = static_cast<std::uint8_t>(c); }
    bool is_train() const { return p_->segment_bytes != 0; }

private:
    pbuf *p_ = nullptr;
};

// A pbuf of this many bytes with room for headers before it, or nothing.
Packet allocate_packet(pbuf_layer, std::uint32_t bytes);
// Refers to a part of a page; takes over one reference to the frame, also when it fails (an empty Packet).
Packet packet_of_frame(Pfn, std::uint32_t offset, std::uint32_t bytes);
// The frame that a pbuf of packet_of_frame() or a FramePool refers to, no_pfn for others: heap memory, which has neighbours that
// nobody else may see.
Pfn frame_of(pbuf const &);
// The part [offset, offset + bytes) of a packet, by reference.
Packet borrow(pbuf *of, std::uint32_t offset, std::uint32_t bytes);
// The same packet with its first n bytes in memory of its own, contiguous and writable.
Packet with_own_headers(Packet, std::uint32_t n);
// Appends a piece. False: there is none, or the packet would be longer than a frame can be; it is as it was.
bool append_piece(Packet &to, Packet piece);
// All of it copied to one piece.
Packet flattened(Packet);

// Where the headers of a frame are.
struct Headers {
    std::uint16_t type = 0;  // of the Ethernet header, host order
    std::uint8_t version = 0, protocol = 0;
    bool fragment = false;
    std::uint16_t network = ethernet_header_bytes, transport = 0, payload = 0;  // offsets; 0: not there
    bool is_tcp() const { return protocol == 6 && !fragment && payload; }
    bool is_udp() const { return protocol == 17 && !fragment && payload; }
};
// From the first bytes of a frame (most_header_bytes are enough). False: cut short or not IP; `type` is set if it is a frame at all.
bool parse_headers(void const *start, std::uint32_t bytes, Headers &);
bool parse_headers(pbuf const *, Headers &);
// The same from Headers::network on, where the caller knows it, and Headers::type.
bool parse_ip_headers(void const *start, std::uint32_t bytes, Headers &);

// Sets the checksum field to the pseudo header's sum, or (blank) replaces that by the checksum. Nothing changes for other packets.
Packet with_blank_checksum(Packet);
Packet with_complete_checksum(Packet);
// Is the TCP or UDP checksum in the packet right? True for other packets.
bool verify_checksum(pbuf const *);
// Splits a train into frames with at most segment_bytes of payload; `each` takes them over. False: no memory, some are lost.
bool split_train(Packet, void (*each)(void *, Packet), void *context);
// sum_bytes() (checksum.hpp) of a part of a packet, added to `start`.
std::uint16_t sum_of(pbuf const *, std::uint32_t offset, std::uint32_t bytes, std::uint32_t start = 0);
}  // namespace kernel::net
