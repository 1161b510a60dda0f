// SPDX-License-Identifier: MIT
// A guest's console page as its daemon sees it (include/pv/io/console.h). The guest may write anything into it at any time: its
// indices are read once and checked, ours are kept here.
#pragma once
#include <lib/result.hpp>
#include <pv/io/console.h>
#include <span>

namespace xen {
class ConsoleRing {
public:
    static constexpr std::size_t in_bytes = 1024, out_bytes = 2048;
    explicit ConsoleRing(xencons_interface *page);

    // What the guest has written, at most to.size() bytes. Error::proto: its index makes no sense.
    Result<std::size_t> take(std::span<char> to);
    // Room for what is typed. Error::proto likewise.
    Result<std::size_t> room() const;
    // Precondition: there is room for it.
    void give(std::span<char const>);

private:
    xencons_interface *page_;
    std::uint32_t taken_, given_;  // out_cons, in_prod
};
}  // namespace xen
