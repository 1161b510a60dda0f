// SPDX-License-Identifier: MIT
// The buddy allocator: a free block of 2^n frames starts at a multiple of 2^n; its buddy is the block whose number differs in
// bit n only. Splitting and joining touch one list each.
#include <cstring>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/reclaim.hpp>
#include <lib/panic.hpp>

namespace kernel {
namespace {
constinit FrameInfo *table = nullptr;
constinit std::uint32_t nr_frames = 0;
constinit FrameList free_lists[max_order + 1];
constinit std::uint32_t usable = 0;
constinit std::uint32_t use_counts[8] = {};

std::uint32_t &count_of(FrameUse use) { return use_counts[static_cast<unsigned>(use)]; }

void change_use(FrameInfo &f, FrameUse use)
{
    --count_of(f.use);
    ++count_of(use);
    f.use = use;
}

constinit MemoryPolicy policy{};

// Frames that a program's data must leave: page tables and kernel objects for ending the program that wants more.
std::uint32_t kernel_reserve()
{
    auto reserve = usable / 64;
    return reserve < 16 ? 16 : reserve > 256 ? 256 : reserve;
}

void tell_if_low()
{
    if (policy.low && count_of(FrameUse::free) <= frame_marks().low)
        policy.low();
}

bool is_free_block(Pfn pfn, unsigned order)
{
    if (pfn.raw() + (1u << order) > nr_frames)
        return false;
    auto const &f = table[pfn.raw()];
    return f.use == FrameUse::free && f.order == order;
}

// Only the first frame of a free block has an order; the others must not look like a block of their own.
constexpr std::uint8_t inner = 0xff;

void insert_free(Pfn pfn, unsigned order)
{
    for (;;) {
        Pfn buddy{pfn.raw() ^ 1u << order};
        if (order == max_order || !is_free_block(buddy, order))
            break;
        free_lists[order].remove(buddy);
        table[buddy.raw()].order = inner;
        if (buddy < pfn)
            pfn = buddy;
        ++order;
    }
    table[pfn.raw()].order = static_cast<std::uint8_t>(order);
    free_lists[order].push_front(pfn);
}

void give_back(Pfn pfn, unsigned order)
{
    for (std::uint32_t i = 0; i < 1u << order; ++i) {
        auto &f = table[pfn.raw() + i];
        change_use(f, FrameUse::free);
        f.order = inner;
        f.owner = nullptr;
    }
    insert_free(pfn, order);
}

Result<Pfn> take_block(unsigned order)
{
    unsigned from = order;
    while (from <= max_order && free_lists[from].empty())
        ++from;
    if (from > max_order)
        return Error::nomem;
    Pfn pfn = free_lists[from].front();
    free_lists[from].remove(pfn);
    while (from > order) {
        --from;
        Pfn upper = pfn + (1u << from);
        table[upper.raw()].order = static_cast<std::uint8_t>(from);
        free_lists[from].push_front(upper);
    }
    for (std::uint32_t i = 0; i < 1u << order; ++i) {
        auto &f = table[pfn.raw() + i];
        change_use(f, FrameUse::kernel);
        f.refs = 1;
        f.flags = 0;
        f.order = 0;
    }
    return pfn;
}
}  // namespace

#ifdef UNIT_TEST
void frames_reset()
{
    for (auto &l : free_lists)
        l = {};
    for (auto &c : use_counts)
        c = 0;
    usable = 0;
    policy = {};
}
#endif

FrameMarks frame_marks()
{
    auto const reserve = kernel_reserve();
    return {.last = reserve / 4, .reserve = reserve, .low = reserve + reserve / 2, .high = 2 * reserve + 32};
}

bool frames_for_programs(std::uint32_t wanted) { return count_of(FrameUse::free) >= kernel_reserve() + wanted; }

void set_memory_policy(MemoryPolicy const &p) { policy = p; }

void frames_init(std::uint32_t frames, Pfn first_free)
{
    nr_frames = frames;
    auto bytes = static_cast<std::uint32_t>(frames * sizeof(FrameInfo));
    table = static_cast<FrameInfo *>(frame_address(first_free));
    std::memset(static_cast<void *>(table), 0, bytes);
    count_of(FrameUse::reserved) = frames;
    for (std::uint32_t i = 0; i < frames; ++i)
        table[i].refs = 1;
    Pfn first = first_free + pages_for(bytes);
    if (first.raw() >= frames)
        panic("memory is too small: %u KB, of which the kernel and its initrd take %u", frames * 4, first.raw() * 4);
    release_boot_frames(first, frames - first.raw());
}

void release_boot_frames(Pfn first, std::uint32_t count)
{
    usable += count;
    for (std::uint32_t i = 0; i < count; ++i) {
        ASSERT(table[first.raw() + i].use == FrameUse::reserved);
        table[first.raw() + i].refs = 0;
    }
    while (count != 0) {
        unsigned order = max_order;
        while ((first.raw() & ((1u << order) - 1)) != 0 || 1u << order > count)
            --order;
        give_back(first, order);
        first += 1u << order;
        count -= 1u << order;
    }
}

void withdraw_frame(Pfn pfn)
{
    auto &f = frame_info(pfn);
    ASSERT(f.refs == 1 && f.use != FrameUse::free && f.use != FrameUse::reserved);
    change_use(f, FrameUse::reserved);
    --usable;
}

void return_frame(Pfn pfn) { release_boot_frames(pfn, 1); }

Result<Pfn> allocate_frames(unsigned order)
{
    if (order > max_order)
        return Error::nomem;
    tell_if_low();
    auto const left = policy.may_use_last && !policy.may_use_last() ? frame_marks().last : 0;
    do {
        if (count_of(FrameUse::free) < left + (1u << order))
            continue;
        if (auto taken = take_block(order); taken.ok())
            return taken;
    } while (reclaim_frames(1u << order) != 0);
    return Error::nomem;
}

Result<Pfn> allocate_zeroed_frame()
{
    auto frame = TRY(allocate_frames(0));
    std::memset(frame_address(frame), 0, page_size);
    return frame;
}

Result<Pfn> allocate_user_frame(bool zeroed)
{
    tell_if_low();
    while (!frames_for_programs())
        if (reclaim_frames(32) == 0)
            return Error::nomem;
    auto frame = TRY(zeroed ? allocate_zeroed_frame() : allocate_frames(0));
    change_use(table[frame.raw()], FrameUse::anonymous);
    return frame;
}

void free_frames(Pfn pfn, unsigned order)
{
    for (std::uint32_t i = 0; i < 1u << order; ++i) {
        auto &f = table[pfn.raw() + i];
        ASSERT(f.refs == 1 && f.use != FrameUse::free && f.use != FrameUse::reserved);
        f.refs = 0;
    }
    give_back(pfn, order);
}

void ref_frame(Pfn pfn) { ++frame_info(pfn).refs; }

void unref_frame(Pfn pfn)
{
    auto &f = frame_info(pfn);
    ASSERT(f.refs != 0);
    if (f.refs == 1)
        free_frames(pfn, 0);
    else
        --f.refs;
}

std::uint32_t frame_refs(Pfn pfn) { return frame_info(pfn).refs; }

FrameInfo &frame_info(Pfn pfn)
{
    ASSERT(pfn.raw() < nr_frames);
    return table[pfn.raw()];
}

void set_frame_use(Pfn pfn, FrameUse use) { change_use(frame_info(pfn), use); }

FrameUse frame_use(Pfn pfn) { return frame_info(pfn).use; }

Pfn frame_of_address(void const *p)
{
    auto base = static_cast<char const *>(frame_address(Pfn{0}));
    auto offset = static_cast<std::uint32_t>(static_cast<char const *>(p) - base);
    return Pfn{offset >> page_shift};
}

FrameCounts frame_counts()
{
    return {.total = usable,
            .free = count_of(FrameUse::free),
            .cached = count_of(FrameUse::cache),
            .anonymous = count_of(FrameUse::anonymous),
            .tables = count_of(FrameUse::table),
            .heap = count_of(FrameUse::slab) + count_of(FrameUse::large)};
}

void FrameList::push_front(Pfn pfn)
{
    auto &f = frame_info(pfn);
    f.prev = no_pfn;
    f.next = head_;
    (head_ == no_pfn ? tail_ : frame_info(head_).prev) = pfn;
    head_ = pfn;
}

void FrameList::push_back(Pfn pfn)
{
    auto &f = frame_info(pfn);
    f.next = no_pfn;
    f.prev = tail_;
    (tail_ == no_pfn ? head_ : frame_info(tail_).next) = pfn;
    tail_ = pfn;
}

void FrameList::remove(Pfn pfn)
{
    auto &f = frame_info(pfn);
    (f.prev == no_pfn ? head_ : frame_info(f.prev).next) = f.next;
    (f.next == no_pfn ? tail_ : frame_info(f.next).prev) = f.prev;
    f.next = f.prev = no_pfn;
}
}  // namespace kernel
