// SPDX-License-Identifier: MIT
// Who is next (run_queue.cpp). schedule.cpp puts it on the processor.
#pragma once
#include <cstdint>
#include <hv/domain.hpp>

namespace hv {
Vcpu *running();  // nullptr: the processor is idle
// Takes the one furthest behind out of the queue; the running one goes in before, if it still wants to run.
Vcpu *take_next(std::uint64_t now);
void begin_turn(std::uint64_t now);       // of the one just taken
void end_turn();                          // nobody runs
void scheduler_timer(std::uint64_t now);  // does what is due...
std::uint64_t scheduler_deadline();       // ...when; never: ~0
}  // namespace hv
