// SPDX-License-Identifier: MIT
// The guest's end of a console page: bytes out, bytes in. Our own two indices are kept in private memory; an impossible index of
// the other end's means no room and no input. include/pv/io/console.h.
#pragma once
#include <cstddef>
#include <pv/io/console.h>

namespace pv {
class ConsoleRing {
public:
    void attach(xencons_interface &page);
    explicit operator bool() const { return page_ != nullptr; }

    std::size_t room() const;
    bool has_input() const { return input() != 0; }
    // Bytes moved; the other end is to be notified if there are any.
    std::size_t put(char const *, std::size_t);
    std::size_t get(char *, std::size_t);

private:
    std::size_t input() const;
    xencons_interface *page_ = nullptr;
    XENCONS_RING_IDX put_ = 0, got_ = 0;  // out_prod, in_cons
};
}  // namespace pv
