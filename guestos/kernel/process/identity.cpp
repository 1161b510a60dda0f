// SPDX-License-Identifier: MIT
#include <kernel/process/identity.hpp>

namespace kernel {
namespace {
// capabilities(7), "Effect of user ID changes on capabilities".
void adjust_capabilities(Credentials &c, Credentials const &old)
{
    if (c.securebits & secure_no_setuid_fixup)
        return;
    bool was_root = old.uid == 0 || old.euid == 0 || old.suid == 0;
    bool is_root = c.uid == 0 || c.euid == 0 || c.suid == 0;
    if (was_root && !is_root) {
        if (!(c.securebits & secure_keep_caps))
            c.cap_permitted = c.cap_effective = 0;
        c.cap_ambient = 0;
    }
    if (old.euid == 0 && c.euid != 0)
        c.cap_effective = 0;
    if (old.euid != 0 && c.euid == 0)
        c.cap_effective = c.cap_permitted;
}

// The capabilities that only concern files: chown, dac_override, dac_read_search, fowner, fsetid, linux_immutable, mknod, mac_override.
constexpr std::uint64_t file_caps = 0x1f | 1ull << 9 | 1ull << 27 | 1ull << 32;

bool among(std::uint32_t id, std::uint32_t a, std::uint32_t b, std::uint32_t c)
{
    return id == unchanged_id || id == a || id == b || id == c;
}
}  // namespace

Result<> change_uid(Credentials &c, std::uint32_t uid)
{
    Credentials const old = c;
    if (uid == unchanged_id)
        return Error::inval;
    if (c.has_cap(cap_setuid))
        c.uid = c.suid = uid;
    else if (uid != c.uid && uid != c.suid)
        return Error::perm;
    c.euid = c.fsuid = uid;
    adjust_capabilities(c, old);
    return {};
}

Result<> change_reuid(Credentials &c, std::uint32_t real, std::uint32_t effective)
{
    Credentials const old = c;
    if (!c.has_cap(cap_setuid) && (!among(real, c.uid, c.euid, c.euid) || !among(effective, c.uid, c.euid, c.suid)))
        return Error::perm;
    if (real != unchanged_id)
        c.uid = real;
    if (effective != unchanged_id)
        c.euid = effective;
    if (real != unchanged_id || (effective != unchanged_id && effective != old.uid))
        c.suid = c.euid;
    c.fsuid = c.euid;
    adjust_capabilities(c, old);
    return {};
}

Result<> change_resuid(Credentials &c, std::uint32_t real, std::uint32_t effective, std::uint32_t saved)
{
    Credentials const old = c;
    bool may = among(real, c.uid, c.euid, c.suid) && among(effective, c.uid, c.euid, c.suid)
        && among(saved, c.uid, c.euid, c.suid);
    if (!may && !c.has_cap(cap_setuid))
        return Error::perm;
    if (real != unchanged_id)
        c.uid = real;
    if (effective != unchanged_id)
        c.euid = effective;
    if (saved != unchanged_id)
        c.suid = saved;
    c.fsuid = c.euid;
    adjust_capabilities(c, old);
    return {};
}

std::uint32_t change_fsuid(Credentials &c, std::uint32_t id)
{
    auto old = c.fsuid;
    if (id == unchanged_id)
        return old;
    if (id != c.uid && id != c.euid && id != c.suid && id != c.fsuid && !c.has_cap(cap_setuid))
        return old;
    c.fsuid = id;
    if (c.securebits & secure_no_setuid_fixup)
        return old;
    if (old == 0 && id != 0)
        c.cap_effective &= ~file_caps;
    if (old != 0 && id == 0)
        c.cap_effective |= c.cap_permitted & file_caps;
    return old;
}

Result<> change_gid(Credentials &c, std::uint32_t gid)
{
    if (gid == unchanged_id)
        return Error::inval;
    if (c.has_cap(cap_setgid))
        c.gid = c.sgid = gid;
    else if (gid != c.gid && gid != c.sgid)
        return Error::perm;
    c.egid = c.fsgid = gid;
    return {};
}

Result<> change_regid(Credentials &c, std::uint32_t real, std::uint32_t effective)
{
    auto old_real = c.gid;
    if (!c.has_cap(cap_setgid) && (!among(real, c.gid, c.egid, c.egid) || !among(effective, c.gid, c.egid, c.sgid)))
        return Error::perm;
    if (real != unchanged_id)
        c.gid = real;
    if (effective != unchanged_id)
        c.egid = effective;
    if (real != unchanged_id || (effective != unchanged_id && effective != old_real))
        c.sgid = c.egid;
    c.fsgid = c.egid;
    return {};
}

Result<> change_resgid(Credentials &c, std::uint32_t real, std::uint32_t effective, std::uint32_t saved)
{
    bool may = among(real, c.gid, c.egid, c.sgid) && among(effective, c.gid, c.egid, c.sgid)
        && among(saved, c.gid, c.egid, c.sgid);
    if (!may && !c.has_cap(cap_setgid))
        return Error::perm;
    if (real != unchanged_id)
        c.gid = real;
    if (effective != unchanged_id)
        c.egid = effective;
    if (saved != unchanged_id)
        c.sgid = saved;
    c.fsgid = c.egid;
    return {};
}

std::uint32_t change_fsgid(Credentials &c, std::uint32_t id)
{
    auto old = c.fsgid;
    if (id == unchanged_id)
        return old;
    if (id == c.gid || id == c.egid || id == c.sgid || id == c.fsgid || c.has_cap(cap_setgid))
        c.fsgid = id;
    return old;
}

// capset(2): nothing can be permitted anew; what is effective must be permitted; what becomes inheritable must be permitted
// (or CAP_SETPCAP) and in the bounding set.
Result<> set_capabilities(Credentials &c, CapabilitySets want)
{
    want.effective &= all_caps, want.permitted &= all_caps, want.inheritable &= all_caps;
    if (want.permitted & ~c.cap_permitted)
        return Error::perm;
    if (want.effective & ~want.permitted)
        return Error::perm;
    if (!c.has_cap(cap_setpcap) && (want.inheritable & ~(c.cap_inheritable | c.cap_permitted)))
        return Error::perm;
    if (want.inheritable & ~(c.cap_inheritable | c.cap_bounding))
        return Error::perm;
    c.cap_effective = want.effective;
    c.cap_permitted = want.permitted;
    c.cap_inheritable = want.inheritable;
    c.cap_ambient &= want.permitted & want.inheritable;
    return {};
}
}  // namespace kernel
