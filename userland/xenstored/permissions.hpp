// SPDX-License-Identifier: MIT
// Who may do what with a node. On the wire a permission is a letter and a domain number: n, r, w or b (none, read, write, both).
// The first of a node's permissions names its owner, who may do everything, and gives by its letter what any domain may that
// no later permission names. The control domain may do everything everywhere.
#pragma once
#include <cstdint>
#include <lib/result.hpp>
#include <optional>
#include <pv/abi.h>
#include <string>
#include <string_view>
#include <vector>

namespace xenstore {
inline constexpr domid_t control_domain = 0;
inline constexpr domid_t no_domain = 0x7ff4;  // DOMID_INVALID

enum class Access : std::uint8_t { none = 0, read = 1, write = 2, both = 3 };
constexpr bool includes(Access has, Access wanted)
{
    return (static_cast<unsigned>(has) & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
}

struct Permission {
    domid_t domain;
    Access access;
    friend bool operator==(Permission, Permission) = default;
};

// On whose behalf a request acts: a domain, and possibly the one domain it serves (XS_SET_TARGET).
struct Identity {
    domid_t domain;
    domid_t target = no_domain;
    bool privileged() const { return domain == control_domain; }
    bool is(domid_t other) const { return domain == other || (target != no_domain && target == other); }
};

class Permissions {
public:
    explicit Permissions(domid_t owner, Access others = Access::none) : list_{{owner, others}} {}
    // Strings, each ended by NUL. Error::inval: not one of them, or not well-formed.
    static Result<Permissions> parse(std::string_view strings);
    std::string text() const;  // the same form

    domid_t owner() const { return list_.front().domain; }
    bool owned_by(Identity who) const { return who.privileged() || who.is(owner()); }
    bool allow(Identity who, Access wanted) const;
    std::size_t size() const { return list_.size(); }

    // The same list with another owner.
    Permissions with_owner(domid_t) const;
    // Does a later permission name the domain? The same list without that.
    bool names(domid_t domain) const { return given_to(domain).has_value(); }
    Permissions without(domid_t) const;
    friend bool operator==(Permissions const &, Permissions const &) = default;

private:
    std::optional<Access> given_to(domid_t) const;
    std::vector<Permission> list_;  // never empty
};
}  // namespace xenstore
