// SPDX-License-Identifier: MIT
// The vDSO's frames: the image, whose entry suits this machine, and the data page.
#include <arch/mmu.hpp>
#include <arch/upcalls.hpp>
#include <arch/vdso.hpp>
#include <cstring>
#include <early.hpp>
#include <elf.h>
#include <lib/panic.hpp>
#include <vdso_data.hpp>

extern "C" std::uint8_t const _binary_vdso_so_start[], _binary_vdso_so_end[];  // guestos/vdso/vdso.mk

namespace arch {
namespace {
constinit Pfn frames[1 + vdso_image_pages]{};

VdsoData volatile &data() { return *static_cast<VdsoData *>(frame_ptr(frames[0])); }

void check_image(std::uint8_t const *image, std::size_t bytes)
{
    Elf32_Ehdr header;
    std::memcpy(&header, image, sizeof header);
    if (bytes > VDSO_IMAGE_SIZE || header.e_entry != VDSO_CODE)
        panic("the vDSO was not linked for %#x: its entry is %#x", VDSO_CODE, header.e_entry);
}

// Without sysenter: `mov %esp, %ebp; sysenter` becomes `nop; int $0x80`, two bytes each. %ebp then is the sixth argument, as int 0x80
// has it, and what follows is the same.
void use_interrupt(std::uint8_t *code)
{
    constexpr std::uint8_t from[] = {0x89, 0xe5, 0x0f, 0x34}, to[] = {0x66, 0x90, 0xcd, 0x80};
    auto at = code + (VDSO_ENTER - VDSO_CODE);
    ASSERT(std::memcmp(at, from, sizeof from) == 0);
    std::memcpy(at, to, sizeof to);
}
}  // namespace

Result<> vdso_init()
{
    for (auto &f : frames)
        f = TRY(kernel::allocate_zeroed_frame());
    auto bytes = static_cast<std::size_t>(_binary_vdso_so_end - _binary_vdso_so_start);
    check_image(_binary_vdso_so_start, bytes);
    bool fast = fast_call_init();
    for (unsigned i = 0; i < vdso_image_pages; ++i) {
        auto offset = i * page_size;
        auto n = bytes < offset ? 0 : bytes - offset < page_size ? bytes - offset : page_size;
        std::memcpy(frame_ptr(frames[1 + i]), _binary_vdso_so_start + offset, n);
    }
    if (!fast)
        use_interrupt(static_cast<std::uint8_t *>(frame_ptr(frames[vdso_image_pages])));
    auto &d = data();
    d.monotonic_ns = clock_publish(const_cast<VdsoTime &>(d.time));
    d.clocks = d.time.version ? realtime_clocks | monotonic_clocks : 0;
    return {};
}

Pfn vdso_frame(unsigned index) { return frames[index]; }

void vdso_set_realtime(std::uint64_t ns)
{
    auto &d = data();
    d.version = d.version + 1;
    asm volatile("" ::: "memory");
    d.realtime_ns = d.monotonic_ns + ns;
    asm volatile("" ::: "memory");
    d.version = d.version + 1;
}
}  // namespace arch
