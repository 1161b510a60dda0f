// SPDX-License-Identifier: MIT
// Threads of a test that take turns: one runs until it sleeps. Time stands still while one runs, and goes on to the next deadline when all
// sleep; if there is none, nobody will ever wake, and the test ends with that.
#pragma once
#include <cstdint>
#include <functional>

namespace threads {
void begin();                         // none but the test itself
void start(std::function<void()> f);  // a program
void join();                          // until every program has ended
bool serves_write_back(bool);         // of the running one; what it was
}  // namespace threads
