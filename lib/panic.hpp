// SPDX-License-Identifier: MIT
// panic(): a broken invariant, spelt out. Supplied by whoever links lib/: hv, the guest kernel, the host tests.
#pragma once

[[noreturn]] void panic(char const *format, ...) __attribute__((format(printf, 1, 2)));

// Checked in every build: an invariant that costs little to test and much to lose. Never for a value that a guest or
// a program can choose.
#define ASSERT(condition) \
    (__builtin_expect(!(condition), 0) ? panic("%s:%d: %s does not hold", __FILE__, __LINE__, #condition) : void(0))
