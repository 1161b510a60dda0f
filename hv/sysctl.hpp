// SPDX-License-Identifier: MIT
#pragma once
#include <lib/result.hpp>
#include <pv/sysctl.h>

namespace hv {
// sysctl_info.cpp. Error::nosys: not one of its questions.
Result<> machine_question(xen_sysctl &);
}  // namespace hv
