// SPDX-License-Identifier: MIT
// The kernel's random numbers: ChaCha20 (RFC 8439) keyed from arch::random_seed(), with the key replaced after each request, so
// that what was handed out cannot be computed from what the kernel holds later.
#pragma once
#include <cstddef>
#include <cstdint>

namespace kernel {
void random_bytes(void *, std::size_t);       // getrandom(2), /dev/random, /dev/urandom, AT_RANDOM, address layout
void stir_random(void const *, std::size_t);  // writes to /dev/urandom: mixed in, never trusted
std::uint32_t random_u32();
void chacha20_block(std::uint32_t const key[8], std::uint32_t counter, std::uint32_t const nonce[3],
                    std::uint32_t out[16]);
}  // namespace kernel
