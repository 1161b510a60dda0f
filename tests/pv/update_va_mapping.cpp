// SPDX-License-Identifier: MIT
// update_va_mapping: maps by address, with each way to flush; addresses that have no table of the guest's, and pointers that are not the
// guest's, are refused. After a refused update nothing is flushed or changed (XSA-279).
#include "mmu.hpp"

char const title[] = "update_va_mapping";
using namespace mmu;

namespace {

alignas(4096) std::uint32_t one[1024], two[1024];
std::uint32_t vcpus = 1;

void friendly()
{
    one[0] = 1, two[0] = 2;
    for (std::uint32_t how :
         {UVMF_INVLPG | UVMF_LOCAL, UVMF_INVLPG | UVMF_ALL, UVMF_TLB_FLUSH | UVMF_LOCAL, UVMF_TLB_FLUSH | UVMF_ALL}) {
        check(0, "another frame", map(one, pte_of(two, P | RW), how));
        check(2, "is seen at once", one[0]);
        check(0, "the first", map(one, pte_of(one, P | RW), how));
        check(1, "is seen at once", one[0]);
    }
    for (std::uint32_t how : {UVMF_INVLPG, UVMF_TLB_FLUSH}) {
        check(0, "with a set of processors", map(one, pte_of(two, P | RW), how | word(&vcpus)));
        check(2, "is seen at once", one[0]);
        check(0, "and back", map(one, pte_of(one, P | RW), how | word(&vcpus)));
    }
    check(0, "read-only", map(one, pte_of(one, P)));
    check_true(writes_fault(one), "a store faults");
    check(0, "nothing", map(one, 0));
    check_fault(14, "a load", faults([] { static_cast<void>(*static_cast<std::uint32_t volatile *>(one)); }));
    check(0, "without a flush", map(one, pte_of(one, P | RW), UVMF_NONE));
    check(1, "from nothing there is no old translation", one[0]);
}

void hostile()
{
    for (std::uint32_t address :
         {0xf5800000u, 0xf5801000u, 0xfbfff000u, 0xfc000000u, 0xfe000000u, 0xff000000u, 0xfffff000u})
        check(-22, "an address of the hypervisor",
              map(reinterpret_cast<void *>(static_cast<std::uintptr_t>(address)), pte_of(one, P | RW)));
    check(-22, "an address without a table", map(nullptr, pte_of(one, P | RW)));
    check(-22, "the last address without a table", map(reinterpret_cast<void *>(0xf57ff000), pte_of(one, P | RW)));
    refused("a table, writable", map(one, entry(l1_of(one), P | RW)));
    refused("a frame of the hypervisor", map(one, entry(0x100, P)));
    refused("no frame at all", map(one, entry(0x1000000, P)));
    refused("a set of processors in the hypervisor", map(one, pte_of(one, P | RW), UVMF_INVLPG | 0xfe000000));
    refused("a set of processors that is not mapped", map(one, pte_of(one, P | RW), UVMF_TLB_FLUSH | 0x1000));
    check(0, "the entry itself is there all the same", map(one, pte_of(one, P | RW)));
    check(1, "and maps what it did", one[0]);
}

std::int32_t map_other(std::uint64_t pte, std::uint32_t domain)
{
    return hypercall(__HYPERVISOR_update_va_mapping_otherdomain, one, static_cast<std::uint32_t>(pte),
                     static_cast<std::uint32_t>(pte >> 32), UVMF_INVLPG, domain);
}

void other_domain()
{
    check(0, "our own, by name", map_other(pte_of(one, P | RW), 0));
    check(-3, "a domain that is not there", map_other(pte_of(one, P | RW), 5));
    refused("our own memory as a device's", map_other(pte_of(one, P | RW), DOMID_IO));
    check(0, "a device's memory", map_other(entry(0xb8, P | RW), DOMID_IO));
    check(0, "back", map(one, pte_of(one, P | RW)));
}

}  // namespace

void test_main()
{
    friendly();
    hostile();
    other_domain();
    success();
}
