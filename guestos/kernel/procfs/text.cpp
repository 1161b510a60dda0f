// SPDX-License-Identifier: MIT
#include <cstdarg>
#include <cstring>
#include <kernel/procfs/text.hpp>
#include <lib/format.hpp>
#include <new>

namespace kernel {
bool Text::reserve(std::size_t more)
{
    if (size_ + more <= capacity_)
        return true;
    std::size_t wanted = capacity_ ? capacity_ : 512;
    while (wanted < size_ + more)
        wanted *= 2;
    std::unique_ptr<char[]> bigger{wanted <= most_bytes ? new (std::nothrow) char[wanted] : nullptr};
    if (!bigger)
        return ok_ = false;
    if (size_)
        std::memcpy(bigger.get(), bytes_.get(), size_);
    bytes_ = std::move(bigger);
    capacity_ = wanted;
    return true;
}

void Text::append(std::string_view s)
{
    if (s.empty() || !reserve(s.size()))
        return;
    std::memcpy(bytes_.get() + size_, s.data(), s.size());
    size_ += s.size();
}

void Text::print(char const *fmt, ...)
{
    char line[256];
    std::va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    auto n = static_cast<std::size_t>(vformat(line, sizeof line, fmt, args));
    va_end(args);
    if (n < sizeof line) {
        append({line, n});
    } else if (reserve(n + 1)) {
        vformat(bytes_.get() + size_, n + 1, fmt, again);
        size_ += n;
    }
    va_end(again);
}
}  // namespace kernel
