// SPDX-License-Identifier: MIT
// A binary heap of vCPUs, the least key first. Each vCPU knows its place in it, so that any of them can be taken out: all operations but first()
// take as many steps as the number has binary digits.
//
//   VcpuQueue<&Vcpu::virtual_time, &Vcpu::run_place> queue;
#pragma once
#include <cstdint>
#include <hv/domain.hpp>
#include <lib/panic.hpp>

namespace hv {
inline constexpr unsigned max_vcpus = 1024;  // in the whole machine

template <auto Key, auto Place>
class VcpuQueue {
public:
    Vcpu *first() const { return count_ ? heap_[0] : nullptr; }
    bool empty() const { return count_ == 0; }
    unsigned size() const { return count_; }
    static bool contains(Vcpu const &v) { return v.*Place != 0; }

    void insert(Vcpu &v)
    {
        ASSERT(!contains(v) && count_ < max_vcpus);
        put(count_++, v);
        rise(v);
    }
    void remove(Vcpu &v)
    {
        ASSERT(contains(v));
        unsigned at = v.*Place - 1u;
        Vcpu &last = *heap_[--count_];
        v.*Place = 0;
        if (&last == &v)
            return;
        put(at, last);
        rise(last);
        sink(last);
    }

private:
    static bool before(Vcpu const &a, Vcpu const &b) { return a.*Key < b.*Key; }
    void put(unsigned at, Vcpu &v)
    {
        heap_[at] = &v;
        v.*Place = static_cast<std::uint16_t>(at + 1);
    }
    void exchange(unsigned a, unsigned b)
    {
        Vcpu &v = *heap_[a];
        put(a, *heap_[b]);
        put(b, v);
    }
    void rise(Vcpu &v)
    {
        for (unsigned at = v.*Place - 1u; at && before(v, *heap_[(at - 1) / 2]); at = (at - 1) / 2)
            exchange(at, (at - 1) / 2);
    }
    void sink(Vcpu &v)
    {
        for (unsigned at = v.*Place - 1u;;) {
            unsigned least = at;
            for (unsigned below : {2 * at + 1, 2 * at + 2})
                if (below < count_ && before(*heap_[below], *heap_[least]))
                    least = below;
            if (least == at)
                return;
            exchange(at, least);
            at = least;
        }
    }

    Vcpu *heap_[max_vcpus];
    unsigned count_;
};
}  // namespace hv
