// SPDX-License-Identifier: MIT
// Reaching a frame that is not in the hypervisor's image: a cached mapping in the window at mapping_start.
#pragma once
#include <lib/addr.hpp>

namespace hv {
void *map_frame(Mfn);  // never fails; nests; a panic if all slots are held at once (a leak)
void unmap_frame(void *);

// A device's registers, uncached, for ever: the local APIC. Slots are few (layout.hpp).
void *map_device(Mfn);
// The same until the next call: there is one such place.
void *map_device_briefly(Mfn);

// Holds the mapping for its life time.
template <class T = void>
class [[nodiscard]] Mapped {
public:
    explicit Mapped(Mfn frame) : address_{static_cast<T *>(map_frame(frame))} {}
    ~Mapped() { unmap_frame(const_cast<void *>(static_cast<void const volatile *>(address_))); }
    Mapped(Mapped const &) = delete;
    Mapped &operator=(Mapped const &) = delete;
    T *get() const { return address_; }
    T *operator->() const { return address_; }
    auto &operator[](unsigned i) const { return address_[i]; }

private:
    T *address_;
};
}  // namespace hv
