// SPDX-License-Identifier: MIT
// Shared ownership without exceptions: an intrusive count and a smart pointer. The count is a plain integer: the kernel is not
// preempted, and interrupt handlers hold no references (they wake threads instead).
#pragma once
#include <cstdint>
#include <lib/panic.hpp>
#include <lib/result.hpp>
#include <new>
#include <utility>

namespace kernel {
class RefCounted {
public:
    RefCounted() = default;
    RefCounted(RefCounted const &) = delete;
    RefCounted &operator=(RefCounted const &) = delete;
    void ref() const { ++count_; }
    void unref() const
    {
        ASSERT(count_ > 0);
        if (--count_ == 0)
            const_cast<RefCounted *>(this)->last_reference_gone();
    }
    std::uint32_t use_count() const { return count_; }

protected:
    virtual ~RefCounted() = default;
    virtual void last_reference_gone() { delete this; }  // a cache may keep it instead

private:
    mutable std::uint32_t count_ = 0;
};

template <class T>
class Ref {
public:
    constexpr Ref() = default;
    constexpr Ref(std::nullptr_t) {}
    explicit Ref(T *p) : p_{p}
    {
        if (p_)
            p_->ref();
    }
    Ref(Ref const &other) : p_{other.p_}
    {
        if (p_)
            p_->ref();
    }
    Ref(Ref &&other) noexcept : p_{std::exchange(other.p_, nullptr)} {}
    template <class U>
    requires std::is_convertible_v<U *, T *> Ref(Ref<U> other) : p_{other.release()} {}
    Ref &operator=(Ref other) noexcept
    {
        std::swap(p_, other.p_);
        return *this;
    }
    ~Ref()
    {
        if (p_)
            p_->unref();
    }
    T *get() const { return p_; }
    T *operator->() const { return p_; }
    T &operator*() const { return *p_; }
    explicit operator bool() const { return p_ != nullptr; }
    T *release() { return std::exchange(p_, nullptr); }
    friend bool operator==(Ref const &a, Ref const &b) { return a.p_ == b.p_; }

private:
    T *p_ = nullptr;
};

// new T(args...) as a Result: Error::nomem when the heap is empty.
template <class T, class... Args>
Result<Ref<T>> make_ref(Args &&...args)
{
    auto p = new (std::nothrow) T(std::forward<Args>(args)...);
    if (!p)
        return Error::nomem;
    return Ref<T>{p};
}
}  // namespace kernel
