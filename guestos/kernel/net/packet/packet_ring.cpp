// SPDX-License-Identifier: MIT
#include <algorithm>
#include <kernel/memory/frames.hpp>
#include <kernel/net/packet/packet_ring.hpp>

namespace kernel::net {
namespace {
constexpr std::uint32_t most_pages = 4096;
constexpr std::uint32_t header_bytes = TPACKET_ALIGN(sizeof(tpacket2_hdr)) + sizeof(sockaddr_ll);
}  // namespace

Result<> PacketRing::make(tpacket_req const &r, std::uint32_t reserve)
{
    if (r.tp_block_size == 0 || r.tp_block_size % page_size || r.tp_frame_size < header_bytes + reserve
        || r.tp_frame_size % TPACKET_ALIGNMENT || r.tp_frame_size > r.tp_block_size)
        return Error::inval;
    auto per_block = r.tp_block_size / r.tp_frame_size;
    auto wanted = std::uint64_t{r.tp_block_nr} * (r.tp_block_size / page_size);
    if (std::uint64_t{per_block} * r.tp_block_nr != r.tp_frame_nr || wanted == 0)
        return Error::inval;
    if (wanted > most_pages)
        return Error::nomem;
    release();
    auto pages = static_cast<std::uint32_t>(wanted);
    object_ = TRY(make_shared_memory(pages, "packet ring"));
    pages_.reset(new (std::nothrow) Pfn[pages]);
    if (!pages_)
        return Error::nomem;
    for (; page_count_ < pages; ++page_count_)
        pages_[page_count_] = TRY(object_->page(page_count_, true));
    frame_bytes_ = r.tp_frame_size;
    block_bytes_ = r.tp_block_size;
    frames_per_block_ = per_block;
    count_ = r.tp_frame_nr;
    next_ = 0;
    reserve_ = reserve;
    return {};
}

void PacketRing::release()
{
    for (std::uint32_t i = 0; i < page_count_; ++i)
        unref_frame(pages_[i]);
    page_count_ = count_ = 0;
    pages_.reset();
    object_ = nullptr;
}

std::uint32_t PacketRing::start_of(std::uint32_t frame) const
{
    return frame / frames_per_block_ * block_bytes_ + frame % frames_per_block_ * frame_bytes_;
}

std::uint32_t &PacketRing::status(std::uint32_t frame) const
{
    auto at = start_of(frame);  // a multiple of 16: in one page
    return *reinterpret_cast<std::uint32_t *>(static_cast<char *>(frame_address(pages_[at / page_size])) + at % page_size);
}

void PacketRing::write(std::uint32_t at, void const *data, std::uint32_t n)
{
    auto from = static_cast<char const *>(data);
    while (n) {
        auto piece = std::min<std::uint32_t>(n, page_size - at % page_size);
        std::memcpy(static_cast<char *>(frame_address(pages_[at / page_size])) + at % page_size, from, piece);
        at += piece;
        from += piece;
        n -= piece;
    }
}

bool PacketRing::has_input() const
{
    auto previous = (next_ ? next_ : count_) - 1;
    return (__atomic_load_n(&status(previous), __ATOMIC_ACQUIRE) & TP_STATUS_USER) != 0;
}

bool PacketRing::put(pbuf *p, std::uint32_t offset, std::uint32_t bytes, FrameFacts const &facts, bool lost_some)
{
    auto &owner = status(next_);
    if (__atomic_load_n(&owner, __ATOMIC_ACQUIRE) != TP_STATUS_KERNEL)
        return false;
    std::uint32_t network = TPACKET_ALIGN(header_bytes + std::max<std::uint32_t>(facts.link_bytes, 16)) + reserve_;
    std::uint32_t link = network - facts.link_bytes;
    if (network >= frame_bytes_)
        return false;
    tpacket2_hdr h{};
    h.tp_len = facts.length;
    h.tp_snaplen = std::min(bytes, frame_bytes_ - link);
    h.tp_mac = static_cast<__u16>(link);
    h.tp_net = static_cast<__u16>(network);
    h.tp_sec = static_cast<__u32>(facts.time_ns / 1'000'000'000);
    h.tp_nsec = static_cast<__u32>(facts.time_ns % 1'000'000'000);
    auto base = start_of(next_);
    std::uint32_t left = h.tp_snaplen, at = base + link;
    for (auto piece = p; piece && left; piece = piece->next) {
        if (offset >= piece->len) {
            offset -= piece->len;
            continue;
        }
        auto n = std::min<std::uint32_t>(left, piece->len - offset);
        write(at, static_cast<char const *>(piece->payload) + offset, n);
        at += n;
        left -= n;
        offset = 0;
    }
    write(base, &h, sizeof h);
    write(base + TPACKET_ALIGN(sizeof h), &facts.from, sizeof facts.from);
    __atomic_store_n(&owner, TP_STATUS_USER | facts.status | (lost_some ? TP_STATUS_LOSING : 0), __ATOMIC_RELEASE);
    next_ = (next_ + 1) % count_;
    return true;
}
}  // namespace kernel::net
