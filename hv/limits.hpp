// SPDX-License-Identifier: MIT
#pragma once

namespace hv {
// Reads past the end of a short segment and says on the console if this machine lets it: then nothing keeps a guest
// kernel out of the hypervisor. QEMU without KVM is such a machine.
void test_segment_limits();
bool machine_checks_limits();
}  // namespace hv
