// SPDX-License-Identifier: MIT
#include <lib/format.hpp>

#define STB_SPRINTF_IMPLEMENTATION
#define STB_SPRINTF_STATIC
#define STB_SPRINTF_NOFLOAT
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wimplicit-fallthrough"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wcast-align"
#include <stb/stb_sprintf.h>
#pragma GCC diagnostic pop

int vformat(char *out, std::size_t size, char const *fmt, std::va_list args)
{
    return stbsp_vsnprintf(out, static_cast<int>(size), fmt, args);
}

int format(char *out, std::size_t size, char const *fmt, ...)
{
    std::va_list args;
    va_start(args, fmt);
    int n = vformat(out, size, fmt, args);
    va_end(args);
    return n;
}
