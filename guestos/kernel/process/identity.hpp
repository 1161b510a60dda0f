// SPDX-License-Identifier: MIT
// The rules of credentials(7) and capabilities(7), on a Credentials alone: what each set*id call does and whether it may.
#pragma once
#include <kernel/process/credentials.hpp>
#include <lib/result.hpp>

namespace kernel {
inline constexpr unsigned cap_setgid = 6, cap_setuid = 7, cap_setpcap = 8;
inline constexpr std::uint32_t unchanged_id = ~0u;  // -1: leave as it is
inline constexpr std::uint32_t secure_no_setuid_fixup = 1u << 2, secure_keep_caps = 1u << 4;
inline constexpr unsigned last_cap = 40;
inline constexpr std::uint64_t all_caps = ~0ull >> (63 - last_cap);

Result<> change_uid(Credentials &, std::uint32_t uid);
Result<> change_reuid(Credentials &, std::uint32_t real, std::uint32_t effective);
Result<> change_resuid(Credentials &, std::uint32_t real, std::uint32_t effective, std::uint32_t saved);
std::uint32_t change_fsuid(Credentials &, std::uint32_t);  // the old one, in any case
Result<> change_gid(Credentials &, std::uint32_t gid);
Result<> change_regid(Credentials &, std::uint32_t real, std::uint32_t effective);
Result<> change_resgid(Credentials &, std::uint32_t real, std::uint32_t effective, std::uint32_t saved);
std::uint32_t change_fsgid(Credentials &, std::uint32_t);
struct CapabilitySets {
    std::uint64_t effective, permitted, inheritable;
};
Result<> set_capabilities(Credentials &, CapabilitySets);
}  // namespace kernel
