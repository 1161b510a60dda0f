// SPDX-License-Identifier: MIT
// xen_version: which interface this is (4.17) and what of it there is. Features are what really works here.
#include <cstring>
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/version.hpp>
#include <lib/addr.hpp>
#include <lib/format.hpp>
#include <lib/result.hpp>
#include <pv/version.h>

namespace hv {
namespace {

constexpr std::int32_t version = 4 << 16 | 17;
constexpr std::uint32_t features = 1u << XENFEAT_pae_pgdir_above_4gb | 1u << XENFEAT_mmu_pt_update_preserve_ad
    | 1u << XENFEAT_gnttab_map_avail_bits;
constexpr std::uint32_t features_of_control_domain = 1u << XENFEAT_dom0;
constexpr char lodger[] = "-lodger";

char command_line[sizeof(xen_commandline_t)];

// Everything that goes out was zeroed first: nothing of the hypervisor's stack goes with it.
template <unsigned N>
std::int32_t give_text(std::uint32_t to, char const *text)
{
    char out[N] = {};
    std::size_t length = std::strlen(text);
    std::memcpy(out, text, length < N ? length : N - 1);
    return copy_to_guest(to, out, N) ? -static_cast<std::int32_t>(Error::fault) : 0;
}

template <class T>
std::int32_t give(std::uint32_t to, T const &value)
{
    return write_guest(to, value) ? 0 : -static_cast<std::int32_t>(Error::fault);
}

std::int32_t give_compile_info(std::uint32_t to)
{
    xen_compile_info info;
    std::memset(&info, 0, sizeof info);
    format(info.compiler, sizeof info.compiler, "%s", __VERSION__);
    return give(to, info);
}

std::int32_t give_features(std::uint32_t to)
{
    xen_feature_info info;
    if (!read_guest(info, to))
        return -static_cast<std::int32_t>(Error::fault);
    if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
        return -static_cast<std::int32_t>(Error::inval);
    info.submap = features | (current_domain().privileged ? features_of_control_domain : 0);
    return give(to, info);
}

}  // namespace

void set_version_command_line(char const *line) { format(command_line, sizeof command_line, "%s", line ? line : ""); }

std::int32_t do_xen_version(std::uint32_t cmd, std::uint32_t argument)
{
    switch (cmd) {
    case XENVER_version: return version;
    case XENVER_extraversion: return give_text<XEN_EXTRAVERSION_LEN>(argument, lodger);
    case XENVER_compile_info: return give_compile_info(argument);
    case XENVER_capabilities: return give_text<XEN_CAPABILITIES_INFO_LEN>(argument, "xen-3.0-x86_32p");
    case XENVER_changeset: return give_text<XEN_CHANGESET_INFO_LEN>(argument, "unavailable");
    case XENVER_platform_parameters: return give(argument, xen_platform_parameters{hypervisor_virt_start});
    case XENVER_get_features: return give_features(argument);
    case XENVER_pagesize: return page_size;
    case XENVER_guest_handle: return give(argument, current_domain().handle);
    case XENVER_commandline:
        if (!current_domain().privileged)
            return give_text<sizeof(xen_commandline_t)>(argument, "<denied>");
        return give_text<sizeof(xen_commandline_t)>(argument, command_line);
    case XENVER_build_id: return -static_cast<std::int32_t>(Error::nodata);
    default: return -static_cast<std::int32_t>(Error::nosys);
    }
}

}  // namespace hv
