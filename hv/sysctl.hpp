// SPDX-License-Identifier: MIT
#pragma once
#include <lib/result.hpp>
#include <pv/sysctl.h>

namespace hv {
// sysctl_info.cpp. Error::nosys: not one of its questions.
Result<> machine_question(xen_sysctl &);
// perfc.cpp. The calling domain's own counters: so, unlike on Xen, any domain may ask.
Result<> perfc(xen_sysctl_perfc_op &);
}  // namespace hv
