// SPDX-License-Identifier: MIT
// Memory that the hypervisor may read and write during a hypercall: present, and in no other process after a fork. It comes from
// /dev/xen/hypercall; a kernel without that device has to do with locked memory.
#pragma once
#include <lib/result.hpp>
#include <span>
#include <userland/common/mapping.hpp>

namespace xen {
Result<Mapping> map_for_calls(std::size_t bytes);

template <class T>
class CallBuffer {
public:
    // All zero.
    static Result<CallBuffer> make(std::size_t count)
    {
        auto mapping = TRY(map_for_calls(count * sizeof(T)));
        return CallBuffer{std::move(mapping), count};
    }
    T *data() const { return mapping_.as<T>(); }
    std::size_t size() const { return count_; }
    std::span<T> span() const { return {data(), count_}; }
    T &operator[](std::size_t i) const { return data()[i]; }

private:
    CallBuffer(Mapping mapping, std::size_t count) : mapping_{std::move(mapping)}, count_{count} {}
    Mapping mapping_;
    std::size_t count_;
};
}  // namespace xen
