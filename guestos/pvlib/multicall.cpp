// SPDX-License-Identifier: MIT
#include <pvlib/multicall.hpp>

namespace pv {
namespace {
constinit Multicall deferred;
}

Multicall &deferred_calls() { return deferred; }
}  // namespace pv
