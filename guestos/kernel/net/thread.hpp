// SPDX-License-Identifier: MIT
// The network thread: takes what drivers received, and lets lwIP's timers run.
#pragma once
#include <cstdint>

namespace kernel::net {
class NetDevice;
void net_init();                     // boot: lwIP, the loopback interface, the thread
void schedule_drain(NetDevice &);    // when the lock is released, hand over what this interface has queued; lock held
void schedule_poll(NetDevice &);     // the network thread is to call poll(); from interrupts too
void forget_scheduled(NetDevice &);  // it is unregistered; lock held
// timers.cpp, lock held
void tcp_is_active();  // there may be something to retransmit or acknowledge: count time finely
void run_timers(std::uint64_t now_ns);
std::uint64_t next_timer_ns();  // arch::no_deadline: none
void timers_changed();          // next_timer_ns() may be earlier than it was: wake the thread
}  // namespace kernel::net
