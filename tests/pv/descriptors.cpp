// SPDX-License-Identifier: MIT
// Descriptor tables. What a guest may own works: segments with a base and a limit, in the GDT and in the LDT. What it may
// not own is refused or corrected: gates, task states, DPL 0, anything that would reach the hypervisor. A page is never a
// descriptor table and writable at once. (Whether limits hold is for bochs_segments.cpp: QEMU does not check them.)
#include "guest.hpp"

char const title[] = "descriptor tables";

namespace {

constexpr std::uint32_t last = 0xfbffffff;

alignas(4096) std::uint64_t gdt[512];
alignas(4096) std::uint64_t ldt[512];
alignas(4096) std::uint64_t other[512];
std::uint32_t target = 0x1234abcd;

constexpr unsigned selector(unsigned index, unsigned rpl) { return index << 3 | rpl; }

std::uint32_t read_through_fs(unsigned sel)
{
    std::uint32_t value, flat = FLAT_KERNEL_DS;
    asm volatile("mov %1, %%fs\n\tmov %%fs:0, %0\n\tmov %2, %%fs" : "=&r"(value) : "r"(sel), "r"(flat));
    return value;
}

std::uint32_t limit_of(std::uint64_t d)
{
    auto l = static_cast<std::uint32_t>((d & 0xffff) | (d >> 32 & 0xf0000));
    return d >> 55 & 1 ? l << 12 | 0xfff : l;
}

void friendly()
{
    install_gdt(gdt, 512);
    check(0, "a data segment", set_descriptor(&gdt[8], descriptor(word(&target), 3, 0xb2, 4)));
    check(0x1234abcd, "read through it", read_through_fs(selector(8, 1)));
    check(0, "a code segment", set_descriptor(&gdt[9], descriptor(0, last >> 12, 0xba, 12)));
    check_fault(-1, "run in it", faults([] { asm volatile("lcall $0x49, $1f\n\tjmp 2f\n1:\tlret\n2:"); }));
    check(0, "not present", set_descriptor(&gdt[10], descriptor(0, 0xfffff, 0x32, 12)));
    check_fault(11, "load it", faults([] { read_through_fs(selector(10, 1)); }));
    check(0, "a null descriptor", set_descriptor(&gdt[10], 0));
    check_fault(13, "load it", faults([] { read_through_fs(selector(10, 1)); }));
}

// Stores a descriptor and looks at what the table holds then.
void corrected(char const *what, std::uint64_t d, std::uint32_t base)
{
    if (set_descriptor(&gdt[11], d))
        return;  // refused is as good
    std::uint64_t now = gdt[11];
    std::uint64_t end = std::uint64_t{base} + limit_of(now);
    if (end > last || (now >> 45 & 3) == 0)
        failure("%s: became %08llx%08llx", what, now >> 32, now & 0xffffffff);
}

void reaches_too_far()
{
    for (std::uint32_t base : {0u, 1u, 0x1000u, 0xb7f1a840u, 0xf5800000u, 0xfbfff000u, 0xfbffffffu, 0xfc000000u,
                               0xfe000000u, 0xfffff000u, 0xffffffffu})
        for (unsigned access : {0x92u, 0xb2u, 0xd2u, 0xf2u, 0x9au, 0xbau, 0xfau, 0x9eu, 0xfeu, 0xf0u})
            for (unsigned limit : {0u, 0xfffu, 0x4000u, 0xfbfffu, 0xfc000u, 0xfffffu})
                for (unsigned flags : {0u, 4u, 8u, 12u, 14u})
                    corrected("a segment", descriptor(base, limit, access, flags), base);
    check(-22, "a base in the hypervisor", set_descriptor(&gdt[11], descriptor(0xfe000000, 0xfff, 0xb2, 4)));
    check(-22, "expand-down to 4 GiB", set_descriptor(&gdt[11], descriptor(0, 0, 0xb6, 12)));
    check(0, "DPL 0", set_descriptor(&gdt[11], descriptor(0, 0xfffff, 0x92, 12)));
    check(1, "becomes 1", gdt[11] >> 45 & 3);
    check(last, "4 GiB end below the hypervisor", limit_of(gdt[11]));
}

void system_descriptors()
{
    for (unsigned type = 0; type < 16; ++type)
        for (unsigned dpl = 0; dpl < 4; ++dpl)
            check(-22, "a gate or system segment",
                  set_descriptor(&gdt[12], descriptor(0xe008, 0x1000, 0x80 | dpl << 5 | type, 0)));
}

void places()
{
    std::uint64_t const good = descriptor(0, 0xfff, 0xb2, 4);
    auto at = [good](std::uint64_t address) {
        return hypercall(__HYPERVISOR_update_descriptor, static_cast<std::uint32_t>(address),
                         static_cast<std::uint32_t>(address >> 32), static_cast<std::uint32_t>(good),
                         static_cast<std::uint32_t>(good >> 32));
    };
    std::uint64_t gdt_address = std::uint64_t{mfn_of(gdt)} << 12;
    check(-22, "an address that is not a multiple of 8", at(gdt_address + 4));
    check(-22, "a frame of the hypervisor", at(0x100000));
    check(-22, "beyond memory", at(0xffff'ffff'f000));
    check(-22, "beyond 44 bits", at(1ull << 60));
    check(0, "a page that is writable anyway", at(std::uint64_t{mfn_of(other)} << 12));
    check(static_cast<std::int64_t>(good), "it is there", static_cast<std::int64_t>(other[0]));
    std::int32_t r = at(std::uint64_t{mfn_of(reinterpret_cast<void *>(info->pt_base))} << 12);
    check_true(r < 0, "a page table");
    r = at(std::uint64_t{info->shared_info});
    check_true(r == 0 || r < 0, "shared_info");  // the guest may write it itself
}

void tables_and_writability()
{
    std::uint32_t frame = mfn_of(other);
    check_true(hypercall(__HYPERVISOR_set_gdt, &frame, 512) < 0, "a writable page as GDT");
    std::int32_t r = hypercall(__HYPERVISOR_update_va_mapping, gdt, static_cast<std::uint32_t>(pte_of(gdt, 3)), 0,
                               UVMF_INVLPG);
    check_true(r < 0, "a GDT page mapped writable");
    check_fault(14, "writing the GDT", faults([] { *const_cast<std::uint64_t volatile *>(&gdt[8]) = 0; }));
    check(-22, "more entries than a GDT has", hypercall(__HYPERVISOR_set_gdt, &frame, 7169));
    check(-14, "a list of frames in the hypervisor", hypercall(__HYPERVISOR_set_gdt, 0xfe000000, 512));
    frame = 0x100;
    check_true(hypercall(__HYPERVISOR_set_gdt, &frame, 512) < 0, "a frame of the hypervisor as GDT");
    frame = 0xffffffff;
    check_true(hypercall(__HYPERVISOR_set_gdt, &frame, 512) < 0, "no frame at all as GDT");
    std::uint32_t frames[2] = {mfn_of(gdt), 0xffffffff};
    check_true(hypercall(__HYPERVISOR_set_gdt, frames, 1024) < 0, "a good frame and a bad one");
    check(0x1234abcd, "the old table still works", read_through_fs(selector(8, 1)));
    check(0, "no table", hypercall(__HYPERVISOR_set_gdt, frames, 0));
    check_fault(13, "a selector of a table that is gone", faults([] { read_through_fs(selector(8, 1)); }));
    remap(gdt, pte_of(gdt, 3));  // is an ordinary page again
    gdt[8] = descriptor(0, 0, 0x89, 0);
    remap(gdt, pte_of(gdt, 1));
    frame = mfn_of(gdt);
    check_true(hypercall(__HYPERVISOR_set_gdt, &frame, 512) < 0, "a table with a task state in it");
    remap(gdt, pte_of(gdt, 3));
    gdt[8] = 0;
    install_gdt(gdt, 512);
}

std::int32_t set_ldt(void const *base, unsigned entries)
{
    mmuext_op op{};
    op.cmd = MMUEXT_SET_LDT;
    op.arg1.linear_addr = word(base);
    op.arg2.nr_ents = entries;
    return hypercall(__HYPERVISOR_mmuext_op, &op, 1, 0, DOMID_SELF);
}

void local_table()
{
    ldt[3] = descriptor(word(&target), 3, 0xb2, 4);
    ldt[4] = descriptor(0xfe000000, 0xfffff, 0x92, 12);
    check(0, "set_ldt of a page that is writable", set_ldt(ldt, 512));
    check_fault(13, "a selector of it", faults([] { read_through_fs(selector(3, 5)); }));
    ldt[4] = 0;
    remap(ldt, pte_of(ldt, 1));
    check(0, "set_ldt", set_ldt(ldt, 512));
    check(0x1234abcd, "read through the LDT", read_through_fs(selector(3, 5)));
    check_true(
        hypercall(__HYPERVISOR_update_va_mapping, ldt, static_cast<std::uint32_t>(pte_of(ldt, 3)), 0, UVMF_INVLPG) < 0,
        "an LDT page that is in use mapped writable");
    check_fault(13, "a selector beyond it", faults([] { read_through_fs(selector(600, 5)); }));
    check(-22, "an LDT not on a page", set_ldt(reinterpret_cast<std::uint8_t *>(ldt) + 8, 512));
    check(-22, "more entries than an LDT has", set_ldt(ldt, 8193));
    check(-22, "an LDT in the hypervisor", set_ldt(reinterpret_cast<void *>(0xfe000000), 512));
    check(-22, "an LDT that reaches it", set_ldt(reinterpret_cast<void *>(0xf57ff000), 8192));
    check(0, "no LDT", set_ldt(nullptr, 0));
    check_fault(13, "a selector without LDT", faults([] { read_through_fs(selector(3, 5)); }));
    check(0, "an LDT where nothing is mapped", set_ldt(reinterpret_cast<void *>(0x10000000), 512));
    check_fault(13, "a selector of it", faults([] { read_through_fs(selector(3, 5)); }));
    check(0, "no LDT", set_ldt(nullptr, 0));
    remap(ldt, pte_of(ldt, 3));
}

}  // namespace

void test_main()
{
    friendly();
    reaches_too_far();
    system_descriptors();
    places();
    tables_and_writability();
    local_table();
    success();
}
