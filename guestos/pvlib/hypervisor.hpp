// SPDX-License-Identifier: MIT
// What differs between the hypervisors that run this kernel, found out once at the start: our own, and Xen.
//
//   |                             | ours                  | Xen (64-bit, a 32-bit guest)             |
//   |-----------------------------|-----------------------|------------------------------------------|
//   | L2 of slot 3                | may be shared         | each root needs its own                  |
//   | machine-to-physical table   | 0xF5800000            | where XENMEM_machphys_mapping says       |
//   | int 0x80                    | straight into ring 1  | reflected by the hypervisor              |
//   | console of other domains    | ring                  | ring; console_io is domain 0's           |
#pragma once
#include <cstdint>
#include <lib/addr.hpp>

namespace pv {
struct Hypervisor {
    char name[48] = {};                    // "Xen 4.17.4", "Lodger 4.17…"
    Pfn const *machine_to_phys = nullptr;  // indexed by machine frame
    std::uint32_t nr_machine_frames = 0;   // entries of it
    bool shared_kernel_l2 = false;         // one L2 may serve as slot 3 of several roots
    std::uint32_t features = 0;            // bit XENFEAT_*
};
extern Hypervisor found_hypervisor;  // written by the two below only
inline Hypervisor const &hypervisor() { return found_hypervisor; }
inline bool has_feature(unsigned xenfeat) { return (hypervisor().features >> xenfeat & 1) != 0; }
void identify_hypervisor();
void learn_sharing(bool accepted);  // what became of boot.cpp's attempt to pin such a root
}  // namespace pv
