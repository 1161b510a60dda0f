// SPDX-License-Identifier: MIT
#include "world.hpp"
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <kernel/fs/file.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/memory/write_back.hpp>
#include <kernel/process/process.hpp>
#include <sys/mman.h>

namespace kernel {
void frames_reset();
void heap_reset();
Pfn zero_frame();
void zero_frame_reset();
}  // namespace kernel

std::uint32_t world::limits[16];
std::uint32_t world::bad_address;

namespace {
void *memory()
{
    static void *base = mmap(nullptr, arch::Mmu::frames * page_size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return base;
}

// Bytes of [a, a + n) before the first that cannot be served.
std::size_t servable(Vaddr a, std::size_t n)
{
    if (a.raw() >= world::bad_address)
        return 0;
    return std::min<std::size_t>(n, world::bad_address - a.raw());
}
}  // namespace

void world::begin(std::uint32_t frames)
{
    for (auto &l : limits)
        l = ~0u;
    bad_address = ~0u;
    std::memset(memory(), 0xa5, arch::Mmu::frames * page_size);
    kernel::frames_reset();
    kernel::heap_reset();
    kernel::zero_frame_reset();
    kernel::frames_init(frames, Pfn{3});
    (void)kernel::zero_frame();
}

std::uint32_t world::free_frames() { return kernel::frame_counts().free; }

namespace arch {
void *Mmu::frame_ptr(Pfn f) { return static_cast<char *>(memory()) + f.raw() * page_size; }
Mmu &mmu()
{
    static Mmu it;
    return it;
}
#ifndef WITH_WRITE_BACK
std::uint64_t now_ns() { return 1; }
#endif
std::size_t copy_from_user_raw(void *to, Vaddr from, std::size_t n)
{
    auto good = servable(from, n);
    std::memcpy(to, pointer_to<void const>(from), good);
    return n - good;
}
std::size_t copy_to_user_raw(Vaddr to, void const *from, std::size_t n)
{
    auto good = servable(to, n);
    std::memcpy(pointer_to<void>(to), from, good);
    return n - good;
}
std::size_t clear_user_raw(Vaddr to, std::size_t n)
{
    auto good = servable(to, n);
    std::memset(pointer_to<void>(to), 0, good);
    return n - good;
}
std::ptrdiff_t copy_string_from_user_raw(char *to, Vaddr from, std::size_t n)
{
    auto good = servable(from, n);
    auto length = strnlen(pointer_to<char const>(from), good);
    if (length == good && good < n)
        return -1;
    std::memcpy(to, pointer_to<char const>(from), length < n ? length + 1 : n);
    return static_cast<std::ptrdiff_t>(length);
}
}  // namespace arch

namespace kernel {
std::uint32_t memory_limit(unsigned which) { return world::limits[which]; }
#ifndef WITH_WRITE_BACK  // tests/unit/kernel/pressure has the real one, and threads
Result<> sleep_on(WaitQueue &, Waiter &, Sleep, std::uint64_t) { panic("the test would sleep"); }
void WaitQueue::wake_all() {}
bool serves_write_back() { return false; }
bool wait_for_memory(std::uint32_t) { return false; }
bool dirty_limit_exceeded() { return false; }
void throttle_writer() {}
void count_dirty(PageCache &, bool) {}
void count_clean(PageCache &, bool) {}
void count_writing(int) {}
#endif
// No test has files: mappings are of objects.
Path::~Path() = default;
Ref<Inode> Path::inode() const { return {}; }
}  // namespace kernel

void panic(char const *text, ...)
{
    std::va_list arguments;
    va_start(arguments, text);
    std::vfprintf(stderr, text, arguments);
    std::fputc('\n', stderr);
    std::abort();
}
