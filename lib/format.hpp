// SPDX-License-Identifier: MIT
// printf-style formatting without a libc: stb_sprintf without floating point. %p %x %u %d %s %c %llu %*.. work.
#pragma once
#include <cstdarg>
#include <cstddef>

// Writes at most size bytes with the final NUL; returns the length the whole text would have had.
int format(char *out, std::size_t size, char const *fmt, ...) __attribute__((format(printf, 3, 4)));
int vformat(char *out, std::size_t size, char const *fmt, std::va_list args) __attribute__((format(printf, 3, 0)));
