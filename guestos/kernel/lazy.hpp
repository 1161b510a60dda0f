// SPDX-License-Identifier: MIT
// A global whose type has no constant initialiser (Boost.Intrusive containers): made at its first use, never destroyed. There are no
// global constructors in the kernel.
#pragma once
#include <new>

namespace kernel {
template <class T>
class Lazy {
public:
    T &get()
    {
        if (!made_) {
            ::new (static_cast<void *>(storage_)) T;
            made_ = true;
        }
        return *std::launder(reinterpret_cast<T *>(storage_));
    }
    T *operator->() { return &get(); }
    T &operator*() { return get(); }

private:
    alignas(T) unsigned char storage_[sizeof(T)] = {};
    bool made_ = false;
};
}  // namespace kernel
