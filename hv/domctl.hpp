// SPDX-License-Identifier: MIT
// What the files of domctl and sysctl share.
#pragma once
#include <hv/domain.hpp>
#include <lib/result.hpp>
#include <pv/domctl.h>

namespace hv {
// domain_info.cpp: what a domain is, has and does.
void fill_domain_info(Domain const &, xen_domctl_getdomaininfo &);
Result<> get_vcpu_info(Domain &, xen_domctl_getvcpuinfo &);
Result<> get_page_info(Domain &, xen_domctl_getpageframeinfo3 const &);

// domctl_vcpu.cpp
Result<> set_context(Domain &, xen_domctl_vcpucontext const &);
Result<> get_context(Domain &, xen_domctl_vcpucontext const &);
Result<> set_affinity(Domain &, xen_domctl_vcpuaffinity const &);
Result<> get_affinity(Domain &, xen_domctl_vcpuaffinity const &);
Result<> get_node_affinity(Domain &, xen_domctl_nodeaffinity const &);
// A bitmap of processors or nodes, of which there is one.
Result<> write_bitmap(xenctl_bitmap const &, bool first);

// domctl_create.cpp
Result<> create(xen_domctl &);
}  // namespace hv
