// SPDX-License-Identifier: MIT
#pragma once
#include <pv/hypercalls.h>

namespace hv {
constexpr char const *hypercall_name(unsigned number)
{
    switch (number) {
#define CALL(name, value, arguments) \
    case value: return #name;
        PV_HYPERCALL_LIST(CALL)
#undef CALL
    default: return "unknown";
    }
}
}  // namespace hv
