// SPDX-License-Identifier: MIT
// CONTRACT kernel -> arch: code and data that every program gets from the kernel (vdso(7)), so that it may read the clock without a
// system call and take the fastest way into the kernel there is.
#pragma once
#include <arch/vdso_layout.h>
#include <cstdint>
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace arch {
inline constexpr Vaddr vdso_data{VDSO_DATA}, vdso_image{VDSO_IMAGE}, vdso_entry{VDSO_CODE};
inline constexpr unsigned vdso_image_pages = VDSO_IMAGE_SIZE >> page_shift;

Result<> vdso_init();            // once, after clock_init(). Error::nomem
Pfn vdso_frame(unsigned index);  // 0: the data, readable; from 1 on the image, readable and executable
// What the realtime clock shows more than now_ns(): whenever that changes.
void vdso_set_realtime(std::uint64_t ns);
}  // namespace arch
