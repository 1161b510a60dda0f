// SPDX-License-Identifier: MIT
// Frames that a driver receives into. What a packet gives back is kept for the next one: it holds nothing but what that driver's
// other side put there, so it needs no zeroing before it is lent out again.
#pragma once
#include <algorithm>
#include <kernel/memory/frames.hpp>
#include <kernel/net/packet.hpp>
#include <kernel/ref.hpp>

namespace kernel::net {
class FramePool final : public RefCounted {
public:
    ~FramePool() override
    {
        while (count_)
            unref_frame(kept_[--count_]);
    }
    // With one reference; from the pool, or a new one, zeroed.
    Result<Pfn> take()
    {
        if (count_)
            return kept_[--count_];
        return allocate_zeroed_frame();
    }
    void put(Pfn f)  // takes over the reference
    {
        if (count_ < most && frame_refs(f) == 1)
            kept_[count_++] = f;
        else
            unref_frame(f);
    }
    // As packet_of_frame(): takes over the reference.
    Packet packet(Pfn f, std::uint32_t offset, std::uint32_t bytes)
    {
        auto c = new (std::nothrow) Pbuf{};
        if (!c) {
            put(f);
            return {};
        }
        ref();
        ++held_;
        c->frame = f;
        c->pool = this;
        c->custom_free_function = free_pbuf;
        auto n = static_cast<u16_t>(bytes);
        return Packet{pbuf_alloced_custom(PBUF_RAW, n, PBUF_ROM, c, static_cast<char *>(frame_address(f)) + offset, n)};
    }
    // So many bytes in whole frames, without gaps. Empty: no memory.
    Packet packet(std::uint32_t bytes)
    {
        Packet whole;
        for (std::uint32_t at = 0; at < bytes; at += page_size) {
            auto frame = take();
            if (!frame.ok()
                || !append_piece(whole, packet(frame.value(), 0, std::min<std::uint32_t>(page_size, bytes - at))))
                return {};
        }
        return whole;
    }
    // How many frames packets hold at this moment: what programs do not read stays with them.
    unsigned held() const { return held_; }

private:
    friend Pfn frame_of(pbuf const &);
    struct Pbuf : pbuf_custom {
        Pfn frame;
        FramePool *pool;
    };
    static void free_pbuf(pbuf *p)
    {
        auto self = reinterpret_cast<Pbuf *>(p);
        auto pool = self->pool;
        --pool->held_;
        pool->put(self->frame);
        delete self;
        pool->unref();
    }
    static constexpr unsigned most = 256;
    Pfn kept_[most];
    unsigned count_ = 0, held_ = 0;
};
}  // namespace kernel::net
