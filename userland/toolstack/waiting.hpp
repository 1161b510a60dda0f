// SPDX-License-Identifier: MIT
// Waiting for something that xenstore tells of.
#pragma once
#include <algorithm>
#include <chrono>
#include <userland/toolstack/failure.hpp>
#include <userland/xen/store.hpp>

// Calls look() now and whenever `path` changes, until it gives true or the time is over; gives its last answer.
template <class Look>
bool wait_for_change(xen::Store &store, std::string const &path, double seconds, Look look)
{
    using Clock = std::chrono::steady_clock;
    auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
    need(store.watch(path, "wait"), "a watch on " + path);
    bool found = false;
    while (!(found = look())) {
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0 || !store.wait(static_cast<int>(std::min<std::int64_t>(left, 1 << 30)))) {
            found = look();
            break;
        }
        while (need(store.take_event(), "xenstored")) {}
    }
    (void)store.unwatch(path, "wait").ok();
    return found;
}
