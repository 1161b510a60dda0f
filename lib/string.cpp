// SPDX-License-Identifier: MIT
// The functions that a compiler may call on its own in freestanding code. Plain loops of `rep` string instructions:
// small, and fast enough both on hardware and under an emulator.
#include <cstddef>
#include <cstdint>

extern "C" {

void *memcpy(void *dst, void const *src, std::size_t n)
{
    void *d = dst;
    std::size_t words = n / 4, rest = n % 4;
    asm volatile("rep movsl\n\tmov %[rest], %%ecx\n\trep movsb"
                 : "+D"(d), "+S"(src), "+c"(words)
                 : [rest] "r"(rest)
                 : "memory");
    return dst;
}

void *memmove(void *dst, void const *src, std::size_t n)
{
    auto d = static_cast<char *>(dst);
    auto s = static_cast<char const *>(src);
    if (d <= s || d >= s + n)
        return memcpy(dst, src, n);
    auto last_d = d + n - 1;
    auto last_s = s + n - 1;
    asm volatile("std\n\trep movsb\n\tcld" : "+D"(last_d), "+S"(last_s), "+c"(n) : : "memory");
    return dst;
}

void *memset(void *dst, int value, std::size_t n)
{
    void *d = dst;
    auto byte = static_cast<std::uint32_t>(value & 0xff);
    std::size_t words = n / 4, rest = n % 4;
    asm volatile("rep stosl\n\tmov %[rest], %%ecx\n\trep stosb"
                 : "+D"(d), "+c"(words)
                 : "a"(byte * 0x0101'0101u), [rest] "r"(rest)
                 : "memory");
    return dst;
}

int memcmp(void const *a, void const *b, std::size_t n)
{
    auto x = static_cast<unsigned char const *>(a);
    auto y = static_cast<unsigned char const *>(b);
    for (std::size_t i = 0; i < n; ++i)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}

std::size_t strlen(char const *s)
{
    std::size_t n = 0;
    while (s[n])
        ++n;
    return n;
}

int strcmp(char const *a, char const *b)
{
    while (*a && *a == *b)
        ++a, ++b;
    return static_cast<unsigned char>(*a) - static_cast<unsigned char>(*b);
}

int strncmp(char const *a, char const *b, std::size_t n)
{
    for (; n; --n, ++a, ++b)
        if (*a != *b || !*a)
            return static_cast<unsigned char>(*a) - static_cast<unsigned char>(*b);
    return 0;
}

char *strcpy(char *dst, char const *src)
{
    memcpy(dst, src, strlen(src) + 1);
    return dst;
}

char *strchr(char const *s, int c)
{
    for (;; ++s) {
        if (*s == static_cast<char>(c))
            return const_cast<char *>(s);
        if (!*s)
            return nullptr;
    }
}

void *memchr(void const *s, int c, std::size_t n)
{
    auto p = static_cast<unsigned char const *>(s);
    for (std::size_t i = 0; i < n; ++i)
        if (p[i] == static_cast<unsigned char>(c))
            return const_cast<unsigned char *>(p + i);
    return nullptr;
}

}  // extern "C"
