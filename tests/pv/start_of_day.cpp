// SPDX-License-Identifier: MIT
// What a guest finds when it starts: start_info, the list of its frames and its inverse, page tables that it can read and not write, room
// behind the stack, and nothing where it did not ask for it.
#include "mmu.hpp"

char const title[] = "start of day";
using namespace mmu;

void test_main()
{
    check_true(__builtin_memcmp(info->magic, "xen-3.0-x86_32p", 16) == 0, "the magic word");
    check(SIF_PRIVILEGED | SIF_INITDOMAIN, "flags", info->flags);
    check(0, "no initrd", info->mod_len);
    check(0, "its address", info->mod_start);
    auto p2m = reinterpret_cast<std::uint32_t const *>(static_cast<std::uintptr_t>(info->mfn_list));
    for (std::uint32_t pfn = 0; pfn < info->nr_pages; ++pfn)
        if (m2p[p2m[pfn]] != pfn)
            return failure("frame %x is machine frame %x, whose entry says %x", pfn, p2m[pfn], m2p[p2m[pfn]]);
    check(static_cast<std::int64_t>(info->shared_info & 4095), "shared_info is a page", 0);
    check(-1, "which has no place in our memory", static_cast<std::int32_t>(m2p[info->shared_info >> 12]));
    check_true(info->mfn_list > 0xc0100000 && info->pt_base > info->mfn_list && word(info) < info->pt_base,
               "the order of the parts");
    for (std::uint32_t i = 0; i < info->nr_pt_frames; ++i) {
        auto *page = reinterpret_cast<void *>(static_cast<std::uintptr_t>(info->pt_base + i * 4096));
        check(0, "a table is not writable", static_cast<std::int64_t>(l1_entry(page) & RW));
    }
    std::uint32_t stack = info->pt_base + info->nr_pt_frames * 4096, end = stack + 4096;
    while (end < 0xf5800000
           && (end & 0x1fffff
                   ? true
                   : frame(table(l2_of(reinterpret_cast<void *>(static_cast<std::uintptr_t>(end))))[end >> 21 & 511]) != 0)
           && l1_entry(reinterpret_cast<void *>(static_cast<std::uintptr_t>(end))) & P)
        end += 4096;
    check(0, "what is mapped ends at a multiple of 4 MB", end & 0x3fffff);
    check_true(end - stack - 4096 >= 512 << 10, "512 KB behind the stack");
    auto *last = reinterpret_cast<std::uint32_t volatile *>(static_cast<std::uintptr_t>(end - 4));
    *last = 1;
    check(1, "are memory", *last);
    std::uint64_t pages = 0;
    for (unsigned i = 0; i < 428; ++i)
        pages += frame(table(frame(table(root())[3]))[i]) != 0;
    check_true(pages >= 1 && pages <= 4, "nothing else is mapped");
    success();
}
