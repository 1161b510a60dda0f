// SPDX-License-Identifier: MIT
// Mapped memory, unmapped with its owner.
#pragma once
#include <cstddef>
#include <sys/mman.h>
#include <utility>

class Mapping {
public:
    Mapping() = default;
    Mapping(void *at, std::size_t bytes) : at_{at}, bytes_{bytes} {}
    Mapping(Mapping &&other) noexcept : at_{std::exchange(other.at_, nullptr)}, bytes_{std::exchange(other.bytes_, 0)}
    {
    }
    Mapping &operator=(Mapping &&other) noexcept
    {
        std::swap(at_, other.at_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~Mapping()
    {
        if (at_)
            munmap(at_, bytes_);
    }
    template <class T = std::byte>
    T *as() const
    {
        return static_cast<T *>(at_);
    }
    std::size_t bytes() const { return bytes_; }
    explicit operator bool() const { return at_ != nullptr; }

private:
    void *at_ = nullptr;
    std::size_t bytes_ = 0;
};
