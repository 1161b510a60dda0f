// SPDX-License-Identifier: MIT
// A ring of bytes of fixed size, part of its owner.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace kernel {
template <std::uint32_t Capacity>
class ByteRing {
    static_assert((Capacity & (Capacity - 1)) == 0);

public:
    std::uint32_t used() const { return tail_ - head_; }
    std::uint32_t room() const { return Capacity - used(); }
    void clear() { head_ = tail_; }
    std::size_t put(char const *from, std::size_t n)
    {
        if (n > room())
            n = room();
        for (std::size_t done = 0; done < n;) {
            std::size_t at = tail_ % Capacity, piece = n - done < Capacity - at ? n - done : Capacity - at;
            std::memcpy(bytes_ + at, from + done, piece);
            tail_ += static_cast<std::uint32_t>(piece);
            done += piece;
        }
        return n;
    }
    // What lies in one piece at the front; consume() takes it away.
    char const *front(std::size_t &n) const
    {
        std::size_t at = head_ % Capacity;
        n = used() < Capacity - at ? used() : Capacity - at;
        return bytes_ + at;
    }
    void consume(std::size_t n) { head_ += static_cast<std::uint32_t>(n); }
    std::size_t get(char *to, std::size_t n)
    {
        std::size_t done = 0;
        while (done < n && used()) {
            std::size_t piece;
            auto from = front(piece);
            if (piece > n - done)
                piece = n - done;
            std::memcpy(to + done, from, piece);
            consume(piece);
            done += piece;
        }
        return done;
    }

private:
    std::uint32_t head_ = 0, tail_ = 0;  // free-running
    char bytes_[Capacity];
};
}  // namespace kernel
