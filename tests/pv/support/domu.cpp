// SPDX-License-Identifier: MIT
#include "domu.hpp"
#include "mmu.hpp"
#include <cstring>
#include <lib/panic.hpp>

extern "C" {
extern std::uint8_t child_end[], start[], hypercall_page[];
}

namespace domu {
namespace {

constexpr std::uint32_t image_base = 0xc0100000, first_pfn = 256;
union MailboxPage {
    Mailbox box;
    std::uint8_t page[4096];
};
alignas(4096) MailboxPage own_box;

DOM0_ONLY alignas(4096) std::uint8_t box_windows[max_children][4096];
DOM0_ONLY alignas(4096) std::uint8_t scratch[4096];
DOM0_ONLY std::uint32_t frame_lists[max_children][max_pages];
DOM0_ONLY bool used[max_children];
DOM0_ONLY std::uint32_t list[1024];

unsigned image_page_count() { return (word(child_end) - image_base) >> 12; }
std::uint32_t address_of(unsigned i) { return image_base + (i << 12); }

std::int32_t map_other(void const volatile *page, domid_t id, std::uint64_t pte)
{
    return hypercall(__HYPERVISOR_update_va_mapping_otherdomain, page, static_cast<std::uint32_t>(pte),
                     static_cast<std::uint32_t>(pte >> 32), UVMF_INVLPG | UVMF_LOCAL, id);
}

// The child's page i (of its frames), mapped until the next call.
template <class T = std::uint8_t>
T *page_of(Child const &c, unsigned i)
{
    map_foreign(scratch, c.id, c.mfns[i]);
    return reinterpret_cast<T *>(scratch);
}

void text_to_mailbox(char const *text, std::uint32_t bytes)
{
    std::uint32_t room = sizeof own_box.box.text - own_box.box.text_bytes;
    std::uint32_t n = bytes < room ? bytes : room;
    std::memcpy(own_box.box.text + own_box.box.text_bytes, text, n);
    own_box.box.text_bytes = own_box.box.text_bytes + n;
    own_box.box.verdict = verdict;
}

// What differs in the child is so only while a page is copied: until then we report our own errors.
void copy_image(Child const &c, void (*entry)())
{
    auto ours = write_text;
    std::memset(&own_box, 0, sizeof own_box);
    for (unsigned i = 0; i < c.image_pages; ++i) {
        std::uint8_t *to = page_of(c, i);
        auto from = reinterpret_cast<void const *>(static_cast<std::uintptr_t>(address_of(i)));
        if (!(mmu::l1_entry(from) & mmu::P))  // taken out by the test
            continue;
        child_main = entry;
        write_text = text_to_mailbox;
        barrier();
        std::memcpy(to, from, 4096);
        barrier();
        child_main = nullptr;
        write_text = ours;
    }
}

void write_start_info(Child const &c)
{
    auto *p2m = page_of<std::uint32_t>(c, c.image_pages);
    std::memset(p2m, 0xff, 4096);
    for (unsigned i = 0; i < c.pages && first_pfn + i < 1024; ++i)
        p2m[first_pfn + i] = c.mfns[i];
    auto *si = page_of<start_info>(c, c.image_pages + 1);
    std::memset(si, 0, 4096);
    std::memcpy(si->magic, "xen-3.0-x86_32p", 16);
    si->nr_pages = first_pfn + c.pages;
    si->shared_info = static_cast<std::uint32_t>(info_of(c.id).shared_info_frame << 12);
    si->pt_base = address_of(c.image_pages + 2);
    si->nr_pt_frames = tables;
    si->mfn_list = address_of(c.image_pages);
}

void write_tables(Child const &c)
{
    using namespace mmu;
    auto *root = page_of<std::uint64_t>(c, c.image_pages + 2 + l3);
    std::memset(root, 0, 4096);
    for (unsigned i = 0; i < 4; ++i)
        root[i] = entry(c.table(static_cast<Table>(l2_0 + i)), P);
    for (unsigned i = 0; i < 4; ++i) {
        auto *l2 = page_of<std::uint64_t>(c, c.image_pages + 2 + l2_0 + i);
        std::memset(l2, 0, 4096);
        if (i == 3)
            for (unsigned k = 0; k < 2; ++k)
                l2[k] = entry(c.table(static_cast<Table>(l1_0 + k)), P | RW | US | A);
    }
    for (unsigned k = 0; k < 2; ++k) {
        auto *l1 = page_of<std::uint64_t>(c, c.image_pages + 2 + l1_0 + k);
        std::memset(l1, 0, 4096);
        for (unsigned i = 0; i < c.pages; ++i) {
            bool is_table = i >= c.image_pages + 2 && i < c.image_pages + 2 + tables;
            if ((first_pfn + i) / 512 == k)
                l1[(first_pfn + i) % 512] = entry(c.mfns[i], P | A | D | (is_table ? 0 : std::uint64_t{RW}));
        }
    }
}

}  // namespace

Mailbox &mailbox = own_box.box;

// --- calls -------------------------------------------------------------------------------------------------------------

std::int32_t domctl(std::uint32_t cmd, domid_t id, xen_domctl &op)
{
    op.cmd = cmd;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.domain = id;
    return hypercall(__HYPERVISOR_domctl, &op);
}

std::int32_t domctl(std::uint32_t cmd, domid_t id)
{
    xen_domctl op{};
    return domctl(cmd, id, op);
}

std::int32_t sysctl(std::uint32_t cmd, xen_sysctl &op)
{
    op.cmd = cmd;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return hypercall(__HYPERVISOR_sysctl, &op);
}

xen_domctl_createdomain ordinary(unsigned vcpus)
{
    xen_domctl_createdomain c{};
    c.max_vcpus = vcpus;
    c.max_evtchn_port = ~0u;
    c.max_grant_frames = c.max_maptrack_frames = -1;
    c.grant_opts = XEN_DOMCTL_GRANT_version(1);
    return c;
}

xen_domctl_getdomaininfo info_of(domid_t id)
{
    xen_domctl op{};
    std::int32_t r = domctl(XEN_DOMCTL_getdomaininfo, id, op);
    if (r != 0)
        op.u.getdomaininfo.domain = DOMID_INVALID;
    return op.u.getdomaininfo;
}

bool exists(domid_t id) { return info_of(id).domain == id; }

std::int32_t try_map_foreign(void const volatile *page, domid_t id, std::uint32_t mfn, std::uint64_t bits)
{
    return map_other(page, id, mmu::entry(mfn, bits | mmu::A | mmu::D));
}

void map_foreign(void const volatile *page, domid_t id, std::uint32_t mfn, std::uint64_t bits)
{
    if (std::int32_t r = try_map_foreign(page, id, mfn, bits))
        error("mapping frame %x of domain %u: %d", mfn, id, r);
}

void unmap(void const volatile *page) { remap(page, 0); }

std::uint64_t free_pages()
{
    xen_sysctl op{};
    check(0, "physinfo", sysctl(XEN_SYSCTL_physinfo, op));
    return op.u.physinfo.free_pages;
}

// --- building ------------------------------------------------------------------------------------------------------------

void give_memory_back()
{
    auto p2m = reinterpret_cast<std::uint32_t const *>(static_cast<std::uintptr_t>(info->mfn_list));
    auto mapped_end = static_cast<std::uint32_t>(mmu::base);
    while (mmu::table(mmu::l2_of(reinterpret_cast<void *>(static_cast<std::uintptr_t>(mapped_end))))[mapped_end >> 21 & 511]
           & 1)
        mapped_end += 2u << 20;
    for (std::uint32_t pfn = (mapped_end - mmu::base) >> 12; pfn < info->nr_pages;) {
        unsigned n = 0;
        for (; n < 1024 && pfn < info->nr_pages; ++n)
            list[n] = p2m[pfn++];
        xen_memory_reservation r{};
        r.extent_start = list;
        r.nr_extents = n;
        r.domid = DOMID_SELF;
        check(n, "domain 0 gives memory back", hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r));
    }
}

std::uint32_t Child::mfn_of(void const volatile *page) const { return mfns[(word(page) - image_base) >> 12]; }

void *Child::spare_address(unsigned i)
{
    return reinterpret_cast<void *>(static_cast<std::uintptr_t>(address_of(image_page_count() + 2 + tables + i)));
}

void create(Child &c, unsigned vcpus, unsigned extra_pages)
{
    unsigned index = 0;
    while (index < max_children && used[index])
        ++index;
    if (index == max_children)
        panic("more than %u children at once", max_children);
    used[index] = true;
    c = {};
    c.index = index;
    c.mfns = frame_lists[index];
    c.image_pages = image_page_count();
    c.pages = c.image_pages + 2 + tables + spare_pages + extra_pages;
    if (c.pages > max_pages)
        panic("an image of %u pages is too large for a child", c.image_pages);
    xen_domctl op{};
    op.u.createdomain = ordinary(vcpus);
    check(0, "createdomain", domctl(XEN_DOMCTL_createdomain, 0, op));
    c.id = op.domain;
    op.u.max_vcpus.max = vcpus;
    check(0, "max_vcpus", domctl(XEN_DOMCTL_max_vcpus, c.id, op));
    op.u.max_mem.max_memkb = c.pages * 4;
    check(0, "max_mem", domctl(XEN_DOMCTL_max_mem, c.id, op));
    for (unsigned i = 0; i < c.pages; ++i)
        c.mfns[i] = first_pfn + i;
    xen_memory_reservation r{};
    r.extent_start = c.mfns;
    r.nr_extents = c.pages;
    r.domid = c.id;
    check(c.pages, "populate_physmap of the child", hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r));
}

void load(Child &c, void (*entry)())
{
    copy_image(c, entry);
    write_start_info(c);
    write_tables(c);
    unmap(scratch);
    c.box = reinterpret_cast<Mailbox *>(box_windows[c.index]);
    map_foreign(c.box, c.id, c.mfn_of(&own_box));
    xen_domctl op{};
    op.u.hypercall_init.gmfn = c.mfn_of(hypercall_page);
    check(0, "hypercall_init", domctl(XEN_DOMCTL_hypercall_init, c.id, op));
}

void pin(Child &c) { check(0, "pins the child's root", mmu::extended(MMUEXT_PIN_L3_TABLE, c.table(l3), 0, c.id)); }

vcpu_guest_context context(Child const &c)
{
    vcpu_guest_context v{};
    v.flags = VGCF_in_kernel | VGCF_online;
    v.user_regs.eip = word(::start);
    v.user_regs.esi = address_of(c.image_pages + 1);
    v.user_regs.esp = word(kernel_stack_top);
    v.user_regs.cs = FLAT_KERNEL_CS;
    v.user_regs.ss = v.user_regs.ds = v.user_regs.es = v.user_regs.fs = v.user_regs.gs = FLAT_KERNEL_DS;
    v.user_regs.eflags = 0x200;
    v.kernel_ss = FLAT_KERNEL_DS;
    v.kernel_sp = v.user_regs.esp;
    v.ctrlreg[3] = xen_pfn_to_cr3(c.table(l3));
    return v;
}

std::int32_t set_context(Child const &c, vcpu_guest_context const &context, unsigned vcpu)
{
    xen_domctl op{};
    op.u.vcpucontext.vcpu = vcpu;
    set_xen_guest_handle_64(op.u.vcpucontext.ctxt, const_cast<vcpu_guest_context *>(&context));
    return domctl(XEN_DOMCTL_setvcpucontext, c.id, op);
}

void build(Child &c, void (*entry)(), unsigned vcpus)
{
    create(c, vcpus);
    load(c, entry);
    pin(c);
    check(0, "setvcpucontext", set_context(c, context(c)));
}

void start(Child const &c) { check(0, "unpausedomain", domctl(XEN_DOMCTL_unpausedomain, c.id)); }

void build_and_start(Child &c, void (*entry)(), unsigned vcpus)
{
    build(c, entry, vcpus);
    start(c);
}

// --- living with it ------------------------------------------------------------------------------------------------------

void sleep_ms(unsigned milliseconds)
{
    sched_poll op{};
    op.timeout = now() + milliseconds * ms;
    check(0, "poll", hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, &op));
}

bool wait_for(bool (*condition)(void *), void *argument, unsigned milliseconds)
{
    for (std::uint64_t end = now() + milliseconds * ms; !condition(argument);) {
        if (now() > end)
            return false;
        sleep_ms(1);
    }
    return true;
}

unsigned shutdown_reason(domid_t id)
{
    auto i = info_of(id);
    return i.domain == id && (i.flags & XEN_DOMINF_shutdown) ? i.flags >> XEN_DOMINF_shutdownshift : ~0u;
}

void wait_end(Child const &c)
{
    if (!wait_until([&c] { return shutdown_reason(c.id) != ~0u; }))
        failure("domain %u does not end", c.id);
}

void collect(Child const &c)
{
    std::uint32_t n = c.box->text_bytes < sizeof c.box->text ? c.box->text_bytes : sizeof c.box->text;
    if (n)
        write_text(c.box->text, n);
    if (c.box->verdict > verdict)
        verdict = c.box->verdict;
}

void destroy(Child &c)
{
    if (c.box)
        unmap(c.box);
    c.box = nullptr;
    check(0, "destroydomain", domctl(XEN_DOMCTL_destroydomain, c.id));
    check_true(!exists(c.id), "a destroyed domain is gone");
    used[c.index] = false;
}

void run(void (*entry)())
{
    Child c;
    build_and_start(c, entry);
    wait_end(c);
    collect(c);
    destroy(c);
}

}  // namespace domu
