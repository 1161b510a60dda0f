// SPDX-License-Identifier: MIT
// A packet socket's ring in memory shared with the program, TPACKET_V2 of packet(7):
//
//   frame: tpacket2_hdr (status: the kernel's or the program's) | sockaddr_ll | gap | link header | network header, aligned to 16 ...
//
// The program writes the status back when it has read a frame. Nothing else that it writes is looked at.
#pragma once
#include <kernel/memory/address_space.hpp>
#include <kernel/net/packet.hpp>
#include <linux/if_packet.h>
#include <memory>

namespace kernel::net {
struct FrameFacts {
    sockaddr_ll from{};
    std::uint32_t length = 0;      // of the frame, which may be cut
    std::uint32_t link_bytes = 0;  // of them the link header; 0: it was left out
    std::uint32_t status = 0;      // TP_STATUS_CSUMNOTREADY
    std::uint64_t time_ns = 0;
};

class PacketRing {
public:
    PacketRing() = default;
    ~PacketRing() { release(); }
    PacketRing(PacketRing const &) = delete;
    PacketRing &operator=(PacketRing const &) = delete;
    Result<> make(tpacket_req const &, std::uint32_t reserve);  // Error::inval, Error::nomem
    void release();
    bool exists() const { return count_ != 0; }
    // False: the program has not given the next frame back.
    bool put(pbuf *, std::uint32_t offset, std::uint32_t bytes, FrameFacts const &, bool lost_some);
    bool has_input() const;
    Ref<MemoryObject> object() const { return object_; }

private:
    std::uint32_t start_of(std::uint32_t frame) const;
    void write(std::uint32_t at, void const *, std::uint32_t n);
    std::uint32_t &status(std::uint32_t frame) const;
    Ref<MemoryObject> object_;
    std::unique_ptr<Pfn[]> pages_;
    std::uint32_t page_count_ = 0, frame_bytes_ = 0, frames_per_block_ = 0, block_bytes_ = 0, count_ = 0, next_ = 0,
                  reserve_ = 0;
};
}  // namespace kernel::net
