// SPDX-License-Identifier: MIT
// xen_version says 4.17 and only features that are there; every answer fills its whole structure, so that nothing of the
// hypervisor's stack comes with it, and goes to the guest's own memory or nowhere.
#include "guest.hpp"
#include <cstring>

char const title[] = "xen_version";

namespace {

char buffer[2048];

template <unsigned N>
void text(unsigned cmd, char const *what, char const *expected)
{
    std::memset(buffer, 0x5a, sizeof buffer);
    check(0, what, hypercall(__HYPERVISOR_xen_version, cmd, buffer));
    if (expected && std::strcmp(buffer, expected))
        failure("%s: \"%s\"", what, buffer);
    for (unsigned i = static_cast<unsigned>(std::strlen(buffer)); i < N; ++i)
        if (buffer[i])
            return failure("%s: byte %u is %02x", what, i, buffer[i]);
    check(0x5a, "the byte behind it", buffer[N]);
}

void answers()
{
    check(4 << 16 | 17, "version", hypercall(__HYPERVISOR_xen_version, XENVER_version));
    check(4096, "page size", hypercall(__HYPERVISOR_xen_version, XENVER_pagesize));
    text<XEN_EXTRAVERSION_LEN>(XENVER_extraversion, "extraversion", nullptr);
    text<XEN_CAPABILITIES_INFO_LEN>(XENVER_capabilities, "capabilities", "xen-3.0-x86_32p");
    text<XEN_CHANGESET_INFO_LEN>(XENVER_changeset, "changeset", nullptr);
    text<1024>(XENVER_commandline, "command line", nullptr);
    text<sizeof(xen_compile_info)>(XENVER_compile_info, "compiler", nullptr);
    xen_platform_parameters parameters{};
    check(0, "platform parameters", hypercall(__HYPERVISOR_xen_version, XENVER_platform_parameters, &parameters));
    check(HYPERVISOR_VIRT_START, "virt_start", parameters.virt_start);
    xen_feature_info features{0, 0};
    check(0, "features", hypercall(__HYPERVISOR_xen_version, XENVER_get_features, &features));
    std::uint32_t no = 1u << XENFEAT_writable_page_tables | 1u << XENFEAT_writable_descriptor_tables
        | 1u << XENFEAT_auto_translated_physmap | 1u << XENFEAT_supervisor_mode_kernel;
    check(0, "features that are not here", features.submap & no);
    check_true(features.submap & 1u << XENFEAT_mmu_pt_update_preserve_ad, "preserve_ad");
    check_true(features.submap & 1u << XENFEAT_dom0, "dom0");
    check_true(features.submap & 1u << XENFEAT_gnttab_map_avail_bits, "gnttab_map_avail_bits");
    features.submap_idx = 1;
    check(-22, "features beyond", hypercall(__HYPERVISOR_xen_version, XENVER_get_features, &features));
    check(-61, "build id", hypercall(__HYPERVISOR_xen_version, XENVER_build_id, 0));
    check(-38, "an unknown command", hypercall(__HYPERVISOR_xen_version, 99, buffer));
}

void bad_pointers()
{
    for (unsigned cmd = XENVER_extraversion; cmd <= XENVER_commandline; ++cmd) {
        if (cmd == XENVER_pagesize)
            continue;
        for (std::uint32_t at : {0xfe000000u, 0xf5800000u, 0xfffffffcu, 0x1000u, 0xf57fffffu})
            check(-14, "a bad pointer", hypercall(__HYPERVISOR_xen_version, cmd, at));
    }
}

}  // namespace

void test_main()
{
    answers();
    bad_pointers();
    success();
}
