// SPDX-License-Identifier: MIT
// Frames that other domains have granted, in this program's memory: /dev/xen/gntdev (include/pv/sys/gntdev.h).
#pragma once
#include <lib/result.hpp>
#include <pv/abi.h>
#include <userland/common/fd.hpp>
#include <userland/common/mapping.hpp>

namespace xen {
// One frame, mapped for reading and writing.
struct GrantedPage {
    Fd device;  // the kernel's side of the mapping lives as long as this
    Mapping page;
};
Result<GrantedPage> map_granted(domid_t granter, grant_ref_t);
}  // namespace xen
