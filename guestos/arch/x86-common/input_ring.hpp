// SPDX-License-Identifier: MIT
// Console bytes between the interrupt that brings them and the reader. What does not fit is dropped: ask full() first.
#pragma once
#include <cstddef>

namespace arch {
class InputRing {
public:
    void put(char c)
    {
        if (written_ - read_ < size)
            bytes_[written_++ % size] = c;
    }
    std::size_t room() const { return size - (written_ - read_); }
    bool full() const { return room() == 0; }
    bool empty() const { return read_ == written_; }
    std::size_t take(char *out, std::size_t n)
    {
        std::size_t i = 0;
        for (; i < n && read_ != written_; ++i)
            out[i] = bytes_[read_++ % size];
        return i;
    }

private:
    static constexpr unsigned size = 4096;
    char bytes_[size]{};
    unsigned read_ = 0, written_ = 0;
};
}  // namespace arch
