// SPDX-License-Identifier: MIT
// The kernel's heap: operator new(std::nothrow) and delete over caches of equal-sized objects.
//
// A slab is one frame full of objects of one size class, without a header: FrameInfo holds the class (owner), the number of
// objects in use (flags) and the first free object (index); a free object holds the index of the next. Anything above the
// largest class is a block of frames. Objects are aligned to the largest power of two that divides their size class, at
// least 16. Interrupt handlers do not allocate, so there is no lock.
#include <bit>
#include <cstddef>
#include <kernel/memory/frames.hpp>
#include <lib/panic.hpp>
#include <new>

namespace kernel {
namespace {
struct SizeClass {
    std::uint16_t bytes;
    FrameList partial;          // slabs with a free object
    std::uint32_t empty_slabs;  // of those, without any object in use
};
constinit SizeClass classes[] = {{16, {}, 0},  {32, {}, 0},  {64, {}, 0},   {96, {}, 0},   {128, {}, 0},
                                 {192, {}, 0}, {256, {}, 0}, {288, {}, 0},  {384, {}, 0},  {512, {}, 0},
                                 {672, {}, 0}, {816, {}, 0}, {1024, {}, 0}, {1360, {}, 0}, {2048, {}, 0}};
constexpr std::uint32_t largest_class = 2048;
constexpr std::uint32_t no_object = ~0u;

SizeClass &class_for(std::size_t bytes, std::size_t alignment)
{
    for (auto &c : classes)
        if (c.bytes >= bytes && c.bytes % alignment == 0)
            return c;
    panic("no size class for %zu bytes", bytes);
}

std::uint32_t &next_of(Pfn slab, SizeClass const &c, std::uint32_t object)
{
    return *reinterpret_cast<std::uint32_t *>(static_cast<char *>(frame_address(slab)) + object * c.bytes);
}

Result<> add_slab(SizeClass &c)
{
    auto frame = TRY(allocate_frame());
    set_frame_use(frame, FrameUse::slab);
    auto &info = frame_info(frame);
    info.owner = &c;
    info.flags = 0;
    info.index = 0;
    std::uint32_t count = page_size / c.bytes;
    for (std::uint32_t i = 0; i < count; ++i)
        next_of(frame, c, i) = i + 1 < count ? i + 1 : no_object;
    c.partial.push_front(frame);
    ++c.empty_slabs;
    return {};
}

void *allocate_object(SizeClass &c)
{
    if (c.partial.empty() && !add_slab(c).ok())
        return nullptr;
    Pfn slab = c.partial.front();
    auto &info = frame_info(slab);
    if (info.flags++ == 0)
        --c.empty_slabs;
    auto &next = next_of(slab, c, info.index);
    info.index = next;
    if (next == no_object)
        c.partial.remove(slab);
    return &next;
}

void free_object(Pfn slab, FrameInfo &info, void *object)
{
    auto &c = *static_cast<SizeClass *>(info.owner);
    auto offset = static_cast<std::uint32_t>(static_cast<char *>(object) - static_cast<char *>(frame_address(slab)));
    ASSERT(offset % c.bytes == 0 && info.flags != 0);
    if (info.index == no_object)
        c.partial.push_back(slab);
    auto i = offset / c.bytes;
    next_of(slab, c, i) = info.index;
    info.index = i;
    if (--info.flags != 0)
        return;
    if (c.empty_slabs == 0) {  // one stays, so that a single object coming and going costs no frame each time
        ++c.empty_slabs;
        return;
    }
    c.partial.remove(slab);
    free_frames(slab, 0);
}

void *allocate_large(std::size_t bytes)
{
    if (bytes > page_size << max_order)
        return nullptr;
    auto order = static_cast<unsigned>(std::bit_width(pages_for(static_cast<std::uint32_t>(bytes)) - 1));
    auto frame = allocate_frames(order);
    if (!frame.ok())
        return nullptr;
    for (std::uint32_t i = 0; i < 1u << order; ++i)
        set_frame_use(frame.value() + i, FrameUse::large);
    frame_info(frame.value()).order = static_cast<std::uint8_t>(order);
    return frame_address(frame.value());
}

void *allocate(std::size_t bytes, std::size_t alignment)
{
    if (bytes > largest_class || alignment > 512)
        return allocate_large(bytes);
    return allocate_object(class_for(bytes, alignment));
}

void release(void *p)
{
    if (!p)
        return;
    Pfn frame = frame_of_address(p);
    auto &info = frame_info(frame);
    if (info.use == FrameUse::slab)
        return free_object(frame, info, p);
    ASSERT(info.use == FrameUse::large && p == frame_address(frame));
    free_frames(frame, info.order);
}
}  // namespace
}  // namespace kernel

#ifdef UNIT_TEST
// The test's own heap stays what it was; these names reach the kernel's.
void *kernel_heap_allocate(std::size_t n, std::size_t alignment) { return kernel::allocate(n, alignment); }
void kernel_heap_release(void *p) { kernel::release(p); }
namespace kernel {
void heap_reset()
{
    for (auto &c : classes)
        c = {c.bytes, {}, 0};
}
}  // namespace kernel
#else
void *operator new(std::size_t n, std::nothrow_t const &) noexcept { return kernel::allocate(n, 16); }
void *operator new[](std::size_t n, std::nothrow_t const &) noexcept { return kernel::allocate(n, 16); }
void *operator new(std::size_t n, std::align_val_t a, std::nothrow_t const &) noexcept
{
    return kernel::allocate(n, static_cast<std::size_t>(a));
}
void *operator new[](std::size_t n, std::align_val_t a, std::nothrow_t const &) noexcept
{
    return kernel::allocate(n, static_cast<std::size_t>(a));
}
void operator delete(void *p) noexcept { kernel::release(p); }
void operator delete[](void *p) noexcept { kernel::release(p); }
void operator delete(void *p, std::size_t) noexcept { kernel::release(p); }
void operator delete[](void *p, std::size_t) noexcept { kernel::release(p); }
void operator delete(void *p, std::align_val_t) noexcept { kernel::release(p); }
void operator delete[](void *p, std::align_val_t) noexcept { kernel::release(p); }
void operator delete(void *p, std::size_t, std::align_val_t) noexcept { kernel::release(p); }
void operator delete[](void *p, std::size_t, std::align_val_t) noexcept { kernel::release(p); }
#endif
