// SPDX-License-Identifier: MIT
#include <lib/format.hpp>
#include <pvlib/hypercall.hpp>
#include <pvlib/hypervisor.hpp>

namespace pv {
constinit Hypervisor found_hypervisor{};

namespace {

void find_machine_to_phys()
{
    xen_machphys_mapping mapping{MACH2PHYS_VIRT_START, MACH2PHYS_VIRT_END, MACH2PHYS_NR_ENTRIES - 1};
    xen_machphys_mapping answer{};
    if (memory_op(XENMEM_machphys_mapping, &answer) >= 0)
        mapping = answer;
    found_hypervisor.machine_to_phys = pointer_to<Pfn const>(Vaddr{mapping.v_start});
    found_hypervisor.nr_machine_frames = mapping.max_mfn + 1;
}

// Xen's extra version begins with its micro number: ".4"; ours says who it is.
void find_name()
{
    xen_extraversion_t extra{};
    auto version = static_cast<std::uint32_t>(xen_version(XENVER_version));
    xen_version(XENVER_extraversion, &extra);
    extra[sizeof extra - 1] = 0;
    bool ours = extra[0] != '.' && extra[0] != 0;
    format(found_hypervisor.name, sizeof found_hypervisor.name, "%s %u.%u%s", ours ? "Lodger hypervisor" : "Xen",
           version >> 16, version & 0xffff, ours ? "" : extra);
}

void find_features()
{
    xen_feature_info info{0, 0};
    if (xen_version(XENVER_get_features, &info) >= 0)
        found_hypervisor.features = info.submap;
}
}  // namespace

void identify_hypervisor()
{
    find_machine_to_phys();
    find_name();
    find_features();
}

void learn_sharing(bool accepted) { found_hypervisor.shared_kernel_l2 = accepted; }
}  // namespace pv
