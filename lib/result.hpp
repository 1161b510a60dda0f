// SPDX-License-Identifier: MIT
// Result<T>: a value or an Error, in the manner of std::expected (which clang 14 cannot compile).
//
//   Result<Pfn> allocate();
//   Result<> use()
//   {
//       auto frame = TRY(allocate());      // returns the error to our caller if there is one
//       if (!good(frame)) return Error::inval;
//       return {};
//   }
#pragma once
#include <lib/error.hpp>
#include <new>
#include <type_traits>
#include <utility>

template <class T = void>
class [[nodiscard]] Result {
public:
    using value_type = T;
    constexpr Result(Error e) : error_{e} {}
    template <class U>
    requires(
        std::is_constructible_v<
            T, U &&> && !std::is_same_v<std::remove_cvref_t<U>, Result> && !std::is_same_v<std::remove_cvref_t<U>, Error>) constexpr Result(U &&v)
        : value_(std::forward<U>(v)), error_{Error::none}
    {
    }
    // From a Result<Ref<Derived>> where a Result<Ref<Base>> is wanted, and the like.
    template <class U>
    requires(!std::is_same_v<U, T> && std::is_convertible_v<U, T>) constexpr Result(Result<U> &&other)
        : error_{other.error()}
    {
        if (ok())
            ::new (static_cast<void *>(&value_)) T(other.take());
    }
    constexpr Result(Result const &other) : error_{other.error_}
    {
        if (ok())
            ::new (static_cast<void *>(&value_)) T(other.value_);
    }
    constexpr Result(Result &&other) : error_{other.error_}
    {
        if (ok())
            ::new (static_cast<void *>(&value_)) T(std::move(other.value_));
    }
    constexpr Result &operator=(Result other)
    {
        destroy();
        error_ = other.error_;
        if (ok())
            ::new (static_cast<void *>(&value_)) T(std::move(other.value_));
        return *this;
    }
    constexpr ~Result() { destroy(); }

    constexpr bool ok() const { return error_ == Error::none; }
    constexpr explicit operator bool() const { return ok(); }
    constexpr Error error() const { return error_; }
    // Precondition of the accessors: ok().
    constexpr T &value() & { return value_; }
    constexpr T const &value() const & { return value_; }
    constexpr T &&value() && { return std::move(value_); }
    constexpr T take() { return std::move(value_); }
    constexpr T value_or(T other) const { return ok() ? value_ : other; }

private:
    constexpr void destroy()
    {
        if (ok())
            value_.~T();
    }
    union {
        T value_;
    };
    Error error_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    using value_type = void;
    constexpr Result() = default;
    constexpr Result(Error e) : error_{e} {}
    constexpr bool ok() const { return error_ == Error::none; }
    constexpr explicit operator bool() const { return ok(); }
    constexpr Error error() const { return error_; }
    constexpr void take() const {}

private:
    Error error_ = Error::none;
};

// The value of `expr`, or an early return of its error. A GNU statement expression: both our compilers have it. The name is
// a new one each time, so that one TRY may stand in another's expression.
#define TRY(...)                   TRY_NUMBERED_(__COUNTER__, __VA_ARGS__)
#define TRY_NUMBERED_(number, ...) TRY_NAMED_(number, __VA_ARGS__)
#define TRY_NAMED_(number, ...)                   \
    __extension__({                               \
        auto try_result_##number = (__VA_ARGS__); \
        if (!try_result_##number.ok())            \
            return try_result_##number.error();   \
        try_result_##number.take();               \
    })

// The negative number that a system call or hypercall returns.
template <class T>
constexpr std::int32_t to_errno(Result<T> const &r)
{
    if (!r.ok())
        return -static_cast<std::int32_t>(r.error());
    if constexpr (std::is_void_v<T>)
        return 0;
    else
        return static_cast<std::int32_t>(r.value());
}
