// SPDX-License-Identifier: MIT
// To the guest's receive ring: each page it lent is filled from its beginning.
#include <algorithm>
#include <arch/boot.hpp>
#include <cstring>
#include <drivers/netback/netback.hpp>

namespace netback {
using kernel::net::Checksum;

Result<> Scatter::open(domid_t guest, grant_ref_t ring_ref)
{
    guest_ = guest;
    return ring.open(guest, {&ring_ref, 1});
}

unsigned Scatter::pages_for(Packet const &p) const
{
    return (p.bytes() + page_size - 1) / page_size + (p.is_train() ? 1u : 0u);
}

// Pages for one packet are taken together: a packet is not begun that cannot be ended.
Scatter::Put Scatter::take_pages(unsigned needed)
{
    while (pages_taken_ < needed) {
        auto taken = ring->take(pages_[pages_taken_]);
        if (taken == pv::Taken::one)
            ++pages_taken_;
        else if (taken == pv::Taken::overrun)
            return Put::hostile;
        else if (!ring->more())
            return Put::no_room;
    }
    return Put::done;
}

Scatter::Put Scatter::put(Packet &p)
{
    auto needed = pages_for(p);
    if (needed > most_slots) {
        p = Packet{};
        return Put::done;
    }
    constexpr unsigned most_copies_each = 60;
    unsigned pieces = 0;
    for (auto piece = p.get(); piece; piece = piece->next)
        pieces += kernel::net::frame_of(*piece) != no_pfn ? 1 : 2;  // heap memory may lie across two pages
    if (pieces + needed > most_copies_each)
        p = kernel::net::flattened(std::move(p));
    if (!p)
        return Put::done;
    if (packet_count_ == most_packets || copy_count_ + most_copies_each > most_copies
        || answer_count_ + needed > most_answers)
        copy_all();
    if (auto taken = take_pages(needed); taken != Put::done)
        return taken;
    fill(p);
    packets_[packet_count_++] = std::move(p);
    pending_ = true;
    return Put::done;
}

void Scatter::fill(Packet const &p)
{
    std::uint16_t flags = p.checksum() == Checksum::blank ? NETRXF_csum_blank | NETRXF_data_validated
        : p.checksum() == Checksum::good                  ? NETRXF_data_validated
                                                          : 0;
    unsigned page = 0;
    auto piece = p.get();
    std::uint32_t skip = 0, left = p.bytes();
    for (bool first = true; left; first = false) {
        auto n = std::min<std::uint32_t>(page_size, left);
        auto &request = pages_[page++];
        auto &answer = answers_[answer_count_++];
        answer = {{request.id, 0, 0, static_cast<std::int16_t>(n)}, copy_count_, 0, false};
        for (std::uint32_t at = 0; at < n;) {
            if (skip == piece->len) {
                piece = piece->next;
                skip = 0;
                continue;
            }
            auto from = vaddr_of(static_cast<char const *>(piece->payload) + skip);
            auto part = std::min({n - at, piece->len - skip, page_size - page_offset(from)});
            auto &c = copies_[copy_count_++];
            c = {};
            c.source.u.gmfn = arch::Mmu::to_machine(Pfn{(from - arch::linear_base) >> page_shift}).raw();
            c.source.domid = DOMID_SELF;
            c.source.offset = static_cast<std::uint16_t>(page_offset(from));
            c.dest.u.ref = request.gref;
            c.dest.domid = guest_;
            c.dest.offset = static_cast<std::uint16_t>(at);
            c.len = static_cast<std::uint16_t>(part);
            c.flags = GNTCOPY_dest_gref;
            at += part;
            skip += part;
        }
        left -= n;
        answer.copies = copy_count_ - answer.first_copy;
        answer.response.flags = static_cast<std::uint16_t>((first ? flags : 0) | (left ? NETRXF_more_data : 0));
        if (first && p.is_train()) {
            answer.response.flags |= NETRXF_extra_info;
            answers_[answer_count_++] = {pv::train_slot<netif_rx_response>(p), copy_count_, 0, true};
            ++page;
        }
    }
    pages_taken_ -= page;
    std::memmove(pages_, pages_ + page, pages_taken_ * sizeof pages_[0]);
}

// The guest is answered in the order of its requests; a page that could not be filled says so.
void Scatter::copy_all()
{
    if (copy_count_ && !pv::grant_copy({copies_, copy_count_}).ok())
        for (unsigned i = 0; i < copy_count_; ++i)
            copies_[i].status = GNTST_general_error;
    for (unsigned i = 0; i < answer_count_; ++i) {
        auto &a = answers_[i];
        bool good = true;
        for (unsigned c = 0; c < a.copies; ++c)
            good &= copies_[a.first_copy + c].status == GNTST_okay;
        if (!good && !a.extra) {
            a.response.status = NETIF_RSP_ERROR;
            ++refused;
        }
        ring->put(a.response);
    }
    while (packet_count_)
        packets_[--packet_count_] = Packet{};
    copy_count_ = answer_count_ = 0;
}

bool Scatter::push()
{
    copy_all();
    pending_ = false;
    return ring->push();
}
}  // namespace netback
