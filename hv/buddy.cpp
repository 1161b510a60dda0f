// SPDX-License-Identifier: MIT
// Free machine memory in blocks of 2^order frames, aligned to their size; two free buddies become one block.
// The head of a free block carries frame_is_free and its order in Frame::owner, and the links of its order's list.
#include <hv/domain.hpp>
#include <hv/frames.hpp>
#include <lib/panic.hpp>

namespace hv {
namespace {

constexpr std::uint32_t no_link = ~0u;
constexpr unsigned order_shift = 24;

Lock buddy_lock;
std::uint32_t heads[max_frame_order + 1] = {no_link, no_link, no_link, no_link, no_link, no_link, no_link,
                                            no_link, no_link, no_link, no_link, no_link, no_link};
static_assert(max_frame_order == 12);
std::uint32_t free_frames;

void push(std::uint32_t i, unsigned order)
{
    Frame &f = frame_table[i];
    f.owner = (f.owner & frame_is_dirty) | frame_is_free | order << order_shift;
    f.prev = no_link;
    f.next = heads[order];
    if (f.next != no_link)
        frame_table[f.next].prev = i;
    heads[order] = i;
}

void remove(std::uint32_t i, unsigned order)
{
    Frame &f = frame_table[i];
    if (f.prev != no_link)
        frame_table[f.prev].next = f.next;
    else
        heads[order] = f.next;
    if (f.next != no_link)
        frame_table[f.next].prev = f.prev;
    f.owner &= frame_is_dirty;
}

bool is_free_block(std::uint32_t i, unsigned order)
{
    return i < frame_limit && (frame_table[i].owner & frame_is_free) && frame_table[i].owner >> order_shift == order;
}

}  // namespace

Result<Mfn> take_block(unsigned order)
{
    LockGuard guard{buddy_lock};
    unsigned from = order;
    while (from <= max_frame_order && heads[from] == no_link)
        ++from;
    if (from > max_frame_order)
        return Error::nomem;
    std::uint32_t i = heads[from];
    remove(i, from);
    while (from > order) {
        --from;
        push(i + (1u << from), from);
    }
    free_frames -= 1u << order;
    return Mfn{i};
}

void give_frame(Frame &f)
{
    LockGuard guard{buddy_lock};
    std::uint32_t i = mfn_of(f).raw();
    unsigned order = 0;
    for (; order < max_frame_order && is_free_block(i ^ (1u << order), order); ++order) {
        remove(i ^ (1u << order), order);
        i &= ~(1u << order);
    }
    push(i, order);
    ++free_frames;
}

std::uint32_t free_frame_count() { return free_frames; }

}  // namespace hv
