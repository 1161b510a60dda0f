// SPDX-License-Identifier: MIT
// Kernel timers: a callback at an absolute time of arch::now_ns(), in interrupt context (wake threads, send signals, re-arm).
#pragma once
#include <boost/intrusive/set.hpp>
#include <cstdint>

namespace kernel {
class Timer : public boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    explicit Timer(void (*callback)(Timer &), void *context_ = nullptr) : context{context_}, callback_{callback} {}
    ~Timer() { cancel(); }
    Timer(Timer const &) = delete;
    Timer &operator=(Timer const &) = delete;
    void arm(std::uint64_t deadline_ns);  // replaces an earlier deadline
    void cancel();
    bool armed() const { return is_linked(); }
    std::uint64_t deadline() const { return deadline_; }
    void *context;
    friend bool operator<(Timer const &a, Timer const &b) { return a.deadline_ < b.deadline_; }

private:
    friend struct TimerQueue;
    std::uint64_t deadline_ = 0;
    void (*callback_)(Timer &);
};
std::uint64_t realtime_ns();  // CLOCK_REALTIME: arch wall clock plus what clock_settime changed
}  // namespace kernel
