// SPDX-License-Identifier: MIT
#include "kernel_side.hpp"
#include <arch/mmu.hpp>
#include <arch/upcalls.hpp>
#include <arch/user_copy.hpp>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {
constexpr unsigned first_frame = 16;
std::vector<Pfn> free_list;
unsigned used, limit_of_frames;
Vaddr user_base;
std::vector<std::uint8_t> user_bytes;
}  // namespace

void Frames::reset(unsigned limit)
{
    free_list.clear();
    for (unsigned f = arch::Mmu::frames - 1; f >= first_frame; --f)
        free_list.push_back(Pfn{f});
    used = 0;
    limit_of_frames = limit;
}

unsigned Frames::in_use() { return used; }

void UserMemory::reset(Vaddr base, std::size_t bytes)
{
    user_base = base;
    user_bytes.assign(bytes, 0);
}

std::uint8_t *UserMemory::at(Vaddr v) { return &user_bytes.at(v - user_base); }

void panic(char const *format, ...)
{
    std::va_list args;
    va_start(args, format);
    std::vfprintf(stderr, format, args);
    std::abort();
}

namespace kernel {
Result<Pfn> allocate_zeroed_frame()
{
    if (free_list.empty() || used == limit_of_frames)
        return Error::nomem;
    auto f = free_list.back();
    free_list.pop_back();
    ++used;
    std::memset(arch::Mmu::frame_ptr(f), 0, page_size);
    return f;
}

void unref_frame(Pfn f)
{
    arch::mmu().given_back(f);
    free_list.push_back(f);
    --used;
}
}  // namespace kernel

namespace arch {
namespace {
bool mapped(Vaddr v, std::size_t n) { return v >= user_base && v - user_base + n <= user_bytes.size(); }
}  // namespace

std::size_t copy_from_user_raw(void *dst, Vaddr src, std::size_t n)
{
    if (!mapped(src, n))
        return n;
    std::memcpy(dst, UserMemory::at(src), n);
    return 0;
}

std::size_t copy_to_user_raw(Vaddr dst, void const *src, std::size_t n)
{
    if (!mapped(dst, n))
        return n;
    std::memcpy(UserMemory::at(dst), src, n);
    return 0;
}

// The FPU of the host stays out of it: the state is always the saved one.
void save_fpu(ThreadState &) {}
void discard_fpu(ThreadState &) {}
}  // namespace arch
