// SPDX-License-Identifier: MIT
#include <arch/user_copy.hpp>
#include <cstdint>
#include <fixups.hpp>

namespace arch {
extern "C" {
std::size_t user_copy(void *dst, void const *src, std::size_t n);
std::size_t user_clear(void *dst, std::size_t n);
std::ptrdiff_t user_copy_string(char *dst, char const *src, std::size_t n);
bool user_compare_exchange(std::uint32_t *, std::uint32_t expected, std::uint32_t desired, std::uint32_t *seen);
extern Fixup const fixups_start[], fixups_end[];  // link.ld
}

std::size_t copy_from_user_raw(void *dst, Vaddr src, std::size_t n) { return user_copy(dst, pointer_to<void>(src), n); }

std::size_t copy_to_user_raw(Vaddr dst, void const *src, std::size_t n)
{
    return user_copy(pointer_to<void>(dst), src, n);
}

std::size_t clear_user_raw(Vaddr dst, std::size_t n) { return user_clear(pointer_to<void>(dst), n); }

std::ptrdiff_t copy_string_from_user_raw(char *dst, Vaddr src, std::size_t n)
{
    return user_copy_string(dst, pointer_to<char>(src), n);
}

bool compare_exchange_user(Vaddr addr, std::uint32_t expected, std::uint32_t desired, std::uint32_t &seen)
{
    return user_compare_exchange(pointer_to<std::uint32_t>(addr), expected, desired, &seen);
}

Vaddr find_fixup(Vaddr ip)
{
    for (auto f = fixups_start; f != fixups_end; ++f)
        if (f->instruction == ip.raw())
            return Vaddr{f->target};
    return Vaddr{};
}
}  // namespace arch
