// SPDX-License-Identifier: MIT
// Other domains, for tests that run as domain 0. A child is made of the test's own image, as fork makes a process: it gets a copy of the
// image as it is at that moment, so that variables hold what the test put there, and runs `entry` instead of test_main. It is built as a
// toolstack builds a domain: domctl, populate_physmap, foreign mappings, a pinned root, a vCPU context.
//
//   pfn 256 ...                          the image up to child_end, the same addresses as in domain 0
//   then, each on a page                 p2m | start_info | L3 | L2 x 4 | L1 x 2 | spare pages
#pragma once
#include "guest.hpp"
#include <pv/domctl.h>
#include <pv/errno.h>
#include <pv/grant_table.h>
#include <pv/sysctl.h>

// Large tables of the test's that a child need not have.
#define DOM0_ONLY __attribute__((section(".dom0")))

namespace domu {

// A page of the child's that domain 0 maps as well.
struct Mailbox {
    std::uint32_t volatile word[128];
    Verdict volatile verdict;
    std::uint32_t volatile text_bytes;
    char text[3072];
};
static_assert(sizeof(Mailbox) <= 4096);
extern Mailbox &mailbox;  // the child's own

inline constexpr unsigned max_children = 72, max_pages = 512, spare_pages = 8;
enum Table : unsigned { l3, l2_0, l2_1, l2_2, l2_3, l1_0, l1_1, tables };

struct Child {
    domid_t id;
    unsigned index;               // in the windows and lists of domain 0
    std::uint32_t *mfns;          // of pfn 256 onwards
    unsigned pages, image_pages;  // mfns that there are
    Mailbox *box;                 // domain 0's mapping

    std::uint32_t mfn_of(void const volatile *page) const;  // of a page of the image
    std::uint32_t table(Table t) const { return mfns[image_pages + 2 + t]; }
    std::uint32_t spare(unsigned i) const { return mfns[image_pages + 2 + tables + i]; }
    static void *spare_address(unsigned i);  // where the child has it
};

// --- calls -------------------------------------------------------------------------------------------------------------
std::int32_t domctl(std::uint32_t cmd, domid_t id, xen_domctl &op);
std::int32_t domctl(std::uint32_t cmd, domid_t id);
std::int32_t sysctl(std::uint32_t cmd, xen_sysctl &op);
xen_domctl_createdomain ordinary(unsigned vcpus = 1);  // what createdomain is asked for
xen_domctl_getdomaininfo info_of(domid_t id);          // .domain is another if there is none
bool exists(domid_t id);
// Maps a frame of another domain at a page of ours; error reported.
void map_foreign(void const volatile *page, domid_t id, std::uint32_t mfn, std::uint64_t bits = 1 | 2);
std::int32_t try_map_foreign(void const volatile *page, domid_t id, std::uint32_t mfn, std::uint64_t bits = 1 | 2);
void unmap(void const volatile *page);  // an empty entry

// --- building ------------------------------------------------------------------------------------------------------------
// Domain 0 gives what it does not use back to the hypervisor. Once, before the first child.
void give_memory_back();
// The steps of build(), for tests that stop in between. Each reports its errors.
void create(Child &, unsigned vcpus = 1, unsigned extra_pages = 0);  // domain and memory
void load(Child &, void (*entry)());                                 // contents, tables; maps its mailbox
void pin(Child &);
vcpu_guest_context context(Child const &);
std::int32_t set_context(Child const &, vcpu_guest_context const &, unsigned vcpu = 0);
void build(Child &, void (*entry)(), unsigned vcpus = 1);  // all of it; paused
void start(Child const &);
void build_and_start(Child &, void (*entry)(), unsigned vcpus = 1);

// --- living with it ------------------------------------------------------------------------------------------------------
void sleep_ms(unsigned);  // lets others run
bool wait_for(bool (*condition)(void *), void *argument, unsigned milliseconds = 10000);
template <class F>
bool wait_until(F f, unsigned milliseconds = 10000)
{
    return wait_for([](void *p) { return (*static_cast<F *>(p))(); }, &f, milliseconds);
}
void wait_end(Child const &);          // until it has shut down
unsigned shutdown_reason(domid_t id);  // ~0: has not
void collect(Child const &);           // its reports become ours
void destroy(Child &);                 // unmaps its mailbox, destroys it
void run(void (*entry)());             // a child from its birth to its end
std::uint64_t free_pages();            // of the machine

}  // namespace domu
