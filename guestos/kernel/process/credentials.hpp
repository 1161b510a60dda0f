// SPDX-License-Identifier: MIT
// Who a process is, as credentials(7) has it. Copied at fork; changed by the set*id calls.
#pragma once
#include <cstdint>

namespace kernel {
struct Credentials {
    std::uint32_t uid = 0, euid = 0, suid = 0, fsuid = 0;
    std::uint32_t gid = 0, egid = 0, sgid = 0, fsgid = 0;
    static constexpr unsigned max_groups = 64;
    std::uint32_t groups[max_groups] = {};
    std::uint32_t group_count = 0;
    std::uint64_t cap_effective = ~0ull >> 23, cap_permitted = ~0ull >> 23, cap_inheritable = 0,
                  cap_bounding = ~0ull >> 23, cap_ambient = 0;
    std::uint32_t securebits = 0;
    bool no_new_privs = false;

    bool in_group(std::uint32_t g) const
    {
        if (g == fsgid)
            return true;
        for (std::uint32_t i = 0; i < group_count; ++i)
            if (groups[i] == g)
                return true;
        return false;
    }
    bool has_cap(unsigned cap) const { return (cap_effective >> cap & 1) != 0; }  // CAP_* of linux/capability.h
};
}  // namespace kernel
