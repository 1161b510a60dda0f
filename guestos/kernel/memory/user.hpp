// SPDX-License-Identifier: MIT
// User memory: the only ways in which the kernel touches it. Everything checks that the range is below user_limit and returns
// Error::fault for memory that cannot be served.
#pragma once
#include <arch/boot.hpp>
#include <arch/user_copy.hpp>
#include <cstring>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <type_traits>

namespace kernel {
inline bool user_range_ok(Vaddr a, std::size_t n)
{
    return n <= arch::user_limit.raw() && a.raw() <= arch::user_limit.raw() - n;
}
Result<> copy_in(void *dst, Vaddr src, std::size_t n);
Result<> copy_out(Vaddr dst, void const *src, std::size_t n);
// NUL-terminated, at most size-1 characters: Error::nametoolong beyond. Returns the length.
Result<std::size_t> copy_in_string(char *dst, Vaddr src, std::size_t size);

// A user address of a T, as system-call handlers take it.
template <class T>
class UserPtr {
public:
    constexpr UserPtr() = default;
    constexpr explicit UserPtr(std::uint32_t raw) : address_{raw} {}
    constexpr explicit operator bool() const { return address_.raw() != 0; }
    constexpr Vaddr address() const { return address_; }
    constexpr UserPtr operator+(std::size_t n) const requires(!std::is_void_v<T>)
    {
        return UserPtr{static_cast<std::uint32_t>(address_.raw() + n * sizeof(T))};
    }
    template <class U>
    constexpr UserPtr<U> as() const
    {
        return UserPtr<U>{address_.raw()};
    }
    auto read() const requires(!std::is_void_v<T>)
    {
        using V = std::remove_cv_t<T>;
        static_assert(std::is_trivially_copyable_v<V>);
        V v;
        auto r = copy_in(&v, address_, sizeof v);
        return r.ok() ? Result<V>{v} : Result<V>{r.error()};
    }
    template <class V = T>
    Result<> write(V const &v) const
    {
        static_assert(std::is_same_v<V, T> && std::is_trivially_copyable_v<V>);
        return copy_out(address_, &v, sizeof v);
    }

private:
    Vaddr address_;
};

// Where read() puts and write() takes its bytes: user memory (one range or an iovec) or kernel memory, consumed from the front.
class IoBuffer {
public:
    static IoBuffer user(Vaddr address, std::size_t n);  // range checked by the caller's TRY(check())
    static IoBuffer kernel(void *address, std::size_t n);
    struct Segment {
        std::uint32_t base, length;
    };                                                                                   // struct iovec of i386
    static IoBuffer vector(Segment const *segments, unsigned count, std::size_t total);  // kernel copy of the iovec
    Result<> check() const;  // Error::fault for ranges outside user space
    std::size_t left() const { return left_; }
    // Moves up to n bytes; returns the number moved; Error::fault only if none could be.
    Result<std::size_t> put(void const *src, std::size_t n);  // read(): kernel -> buffer
    Result<std::size_t> get(void *dst, std::size_t n);        // write(): buffer -> kernel
    Result<std::size_t> zero(std::size_t n);
    bool is_kernel() const { return kernel_; }

private:
    template <class Move>
    Result<std::size_t> each_piece(std::size_t n, Move move);  // user.cpp
    Segment one_{};
    Segment const *segments_ = nullptr;  // nullptr: one_
    unsigned count_ = 1, index_ = 0;
    std::size_t offset_ = 0, left_ = 0;
    bool kernel_ = false;
};
}  // namespace kernel
