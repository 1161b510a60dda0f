// SPDX-License-Identifier: MIT
// The selectors programs see: those of a Linux i386 kernel, since some programs compare or save them. C++ and assembler.
#pragma once
#define USER_CS 0x73  // GDT entry 14, ring 3
#define USER_DS 0x7b  // GDT entry 15, ring 3; the kernel's ds and es too
#ifndef __ASSEMBLER__
#include <cstdint>

namespace arch {
inline constexpr std::uint32_t user_cs = USER_CS, user_ds = USER_DS;
inline constexpr unsigned user_cs_index = 14, user_ds_index = 15;
}  // namespace arch
#endif
