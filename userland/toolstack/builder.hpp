// SPDX-License-Identifier: MIT
// Builds what a paravirtual domain finds when it starts: kernel, initrd, p2m list, start_info, its first page tables and registers
// (lib/pv/start_of_day.hpp). The domain exists, has its limits and is paused.
#pragma once
#include <string>
#include <userland/xen/hypervisor.hpp>

struct BuildOrder {
    std::string kernel, ramdisk;  // files; ramdisk may be ""
    std::string command_line;
    std::uint32_t pages;
    // The domain's ends of its event channels.
    evtchn_port_t store_port, console_port;
};

struct BuiltDomain {
    xen_pfn_t store_frame, console_frame;  // machine frames
    std::string guest_os;
};

// Failure: says what is wrong with a file, or what the hypervisor refused.
BuiltDomain build_domain(xen::Hypervisor &, domid_t, BuildOrder const &);
