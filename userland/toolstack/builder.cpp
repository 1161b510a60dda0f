// SPDX-License-Identifier: MIT
#include <cstring>
#include <lib/pv/start_of_day.hpp>
#include <pv/hypercalls.h>
#include <pv/memory.h>
#include <pv/xen.h>
#include <userland/toolstack/builder.hpp>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/guest_memory.hpp>
#include <userland/toolstack/kernel_file.hpp>
#include <userland/xen/domains.hpp>

namespace {
class Builder {
public:
    Builder(xen::Hypervisor &hypervisor, domid_t domain, BuildOrder const &order)
        : hypervisor_{hypervisor}, domain_{domain}, order_{order}, kernel_{order.kernel}, memory_{hypervisor, domain}
    {
        if (!order.ramdisk.empty())
            ramdisk_ = map_file(order.ramdisk);
    }

    BuiltDomain build()
    {
        lay_out_memory();
        memory_.populate(order_.pages);
        load_kernel();
        if (day_.initrd_bytes)
            memory_.copy(day_.initrd_pfn, 0, ramdisk_.as(), ramdisk_.bytes());
        memory_.copy(day_.pfn(day_.p2m), 0, memory_.p2m().data(), memory_.p2m().size() * sizeof(xen_pfn_t));
        write_start_info();
        write_first_tables(
            day_, [&](std::uint32_t address) { return frame_at(address); },
            [&](std::uint32_t address, auto change) { change(static_cast<Pte *>(memory_.page(day_.pfn(address)))); });
        memory_.close_window();  // a table is not writable for anybody
        if (image_.hypercall_page)
            need(xen::fill_hypercall_page(hypervisor_, domain_, frame_at(image_.hypercall_page).raw()),
                 "the hypercall page");
        pin_tables();
        start_vcpu();
        return {frame_at(day_.store).raw(), frame_at(day_.console).raw(), image_.guest_os};
    }

private:
    Mfn frame_at(std::uint32_t address) const { return memory_.frame(day_.pfn(address)); }

    void lay_out_memory()
    {
        char const *why = "";
        if (!parse_kernel(kernel_, KernelRole::guest, image_, &why).ok())
            throw Failure{order_.kernel + ": " + why};
        auto initrd_bytes = static_cast<std::uint32_t>(ramdisk_.bytes());
        auto unmapped = image_.initrd_by_frame ? pages_for(initrd_bytes) : 0;
        if (!lay_out(day_, image_, KernelRole::guest, initrd_bytes, order_.pages)
            || std::uint64_t{day_.boot_pages()} + unmapped > order_.pages)
            throw Failure{"its kernel and ramdisk do not fit into " + std::to_string(order_.pages >> 8)
                          + " MB: raise memory in the guest file"};
    }

    void load_kernel()
    {
        for (unsigned i = 0; i < image_.segment_count; ++i) {
            auto const &s = image_.segments[i];
            auto bytes = kernel_.bytes().subspan(s.file_offset, s.file_bytes);
            memory_.copy(day_.pfn(s.address), s.address & ~page_mask, bytes.data(), bytes.size());
        }
    }

    void write_start_info()
    {
        auto info = need(xen::domain_info(hypervisor_, domain_), "the new domain");
        auto &start = *static_cast<start_info *>(memory_.page(day_.pfn(day_.start_info)));
        std::strcpy(start.magic, "xen-3.0-x86_32p");
        start.nr_pages = order_.pages;
        start.shared_info = static_cast<std::uint32_t>(info.shared_info_frame << page_shift);
        start.store_mfn = frame_at(day_.store).raw();
        start.store_evtchn = order_.store_port;
        start.console.domU.mfn = frame_at(day_.console).raw();
        start.console.domU.evtchn = order_.console_port;
        start.pt_base = day_.page_tables;
        start.nr_pt_frames = day_.table_count();
        start.mfn_list = day_.p2m;
        start.mod_len = day_.initrd_bytes;
        start.mod_start = day_.initrd;
        if (day_.initrd_bytes && !day_.initrd) {
            start.mod_start = day_.initrd_pfn;
            start.flags |= SIF_MOD_START_PFN;
        }
        start.first_p2m_pfn = day_.pfn(day_.p2m);
        start.nr_p2m_frames = pages_for(order_.pages * 4);
        order_.command_line.copy(reinterpret_cast<char *>(start.cmd_line), MAX_GUEST_CMDLINE - 1);
    }

    void pin_tables()
    {
        mmuext_op operation{};
        operation.cmd = MMUEXT_PIN_L3_TABLE;
        operation.arg1.mfn = frame_at(day_.page_tables).raw();
        auto buffer = need(xen::CallBuffer<mmuext_op>::make(1), "memory for a hypercall");
        buffer[0] = operation;
        auto result = hypervisor_.call(__HYPERVISOR_mmuext_op, xen::Hypervisor::address(buffer.data()), 1, 0, domain_);
        if (!result.ok())
            fail("the hypervisor refused the new domain's page tables", result.error());
    }

    void start_vcpu()
    {
        auto context = need(xen::CallBuffer<vcpu_guest_context>::make(1), "memory for a hypercall");
        auto &c = context[0];
        c.flags = VGCF_in_kernel | VGCF_online;
        c.user_regs.eip = image_.entry;
        c.user_regs.esp = day_.stack + page_size;
        c.user_regs.esi = day_.start_info;
        c.user_regs.eflags = 0x202;  // IF, and the bit that is always 1
        c.user_regs.cs = FLAT_KERNEL_CS;
        c.user_regs.ss = FLAT_KERNEL_SS;
        c.user_regs.ds = c.user_regs.es = c.user_regs.fs = c.user_regs.gs = FLAT_KERNEL_DS;
        c.kernel_ss = FLAT_KERNEL_SS;
        c.kernel_sp = c.user_regs.esp;
        c.ctrlreg[3] = xen_pfn_to_cr3(frame_at(day_.page_tables).raw());
        need(xen::set_vcpu_context(hypervisor_, domain_, 0, context), "the new domain's first processor");
    }

    xen::Hypervisor &hypervisor_;
    domid_t domain_;
    BuildOrder const &order_;
    KernelFile kernel_;
    Mapping ramdisk_;
    GuestMemory memory_;
    KernelImage image_{};
    StartOfDay day_{};
};
}  // namespace

BuiltDomain build_domain(xen::Hypervisor &hypervisor, domid_t domain, BuildOrder const &order)
{
    return Builder{hypervisor, domain, order}.build();
}
