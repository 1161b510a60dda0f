// SPDX-License-Identifier: MIT
// The parts of the network's measurement. A machine to be measured and another that answers it run the same program.
#pragma once
#include <cstdint>
#include <string>

namespace bench::network {
inline constexpr std::uint16_t answer_port = 7007;  // unless it is said otherwise

// "INTERFACE=ADDRESS": its address in a network of 255.255.255.0, and it comes up; a front end's may be awaited. Loads Linux's modules.
void set_address(std::string const &);
void load_modules();

// answer.cpp: sends each byte back, over TCP to any number of callers and over UDP. Never returns.
[[noreturn]] void answer(std::uint16_t port, bool only_loopback);
// Transactions of one byte each way with who answers, one after the other: microseconds each, the least of batches.
double transaction_us(bool datagrams, std::string const &address, std::uint16_t port, unsigned seconds);
}  // namespace bench::network
