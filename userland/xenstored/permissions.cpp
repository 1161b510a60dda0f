// SPDX-License-Identifier: MIT
#include <algorithm>
#include <charconv>
#include <userland/xenstored/permissions.hpp>

namespace xenstore {
namespace {
constexpr char letters[] = "nrwb";  // indexed by Access

Result<Permission> parse_one(std::string_view text)
{
    auto letter = std::string_view{letters}.find(text.empty() ? '?' : text[0]);
    domid_t domain = 0;
    auto [end, error] = std::from_chars(text.data() + !text.empty(), text.data() + text.size(), domain);
    if (letter == std::string_view::npos || error != std::errc{} || end != text.data() + text.size())
        return Error::inval;
    return Permission{domain, static_cast<Access>(letter)};
}
}  // namespace

Result<Permissions> Permissions::parse(std::string_view strings)
{
    if (strings.empty() || strings.back() != 0)
        return Error::inval;
    Permissions result{no_domain};
    result.list_.clear();
    while (!strings.empty()) {
        auto end = strings.find('\0');
        result.list_.push_back(TRY(parse_one(strings.substr(0, end))));
        strings.remove_prefix(end + 1);
    }
    return result;
}

std::string Permissions::text() const
{
    std::string text;
    for (auto p : list_) {
        text += letters[static_cast<unsigned>(p.access)];
        text += std::to_string(p.domain);
        text += '\0';
    }
    return text;
}

// What a domain has been given by name; the first permission that names it counts.
std::optional<Access> Permissions::given_to(domid_t domain) const
{
    auto at = std::find_if(list_.begin() + 1, list_.end(), [&](Permission p) { return p.domain == domain; });
    return at == list_.end() ? std::nullopt : std::optional{at->access};
}

bool Permissions::allow(Identity who, Access wanted) const
{
    if (owned_by(who))
        return true;
    auto own = given_to(who.domain);
    auto of_target = who.target == no_domain ? std::nullopt : given_to(who.target);
    if (!own && !of_target)
        return includes(list_.front().access, wanted);
    auto bits = [](std::optional<Access> a) { return static_cast<unsigned>(a.value_or(Access::none)); };
    return includes(static_cast<Access>(bits(own) | bits(of_target)), wanted);
}

Permissions Permissions::with_owner(domid_t owner) const
{
    Permissions result = *this;
    result.list_.front().domain = owner;
    return result;
}

Permissions Permissions::without(domid_t domain) const
{
    Permissions result = *this;
    auto &list = result.list_;
    list.erase(std::remove_if(list.begin() + 1, list.end(), [&](Permission p) { return p.domain == domain; }),
               list.end());
    return result;
}
}  // namespace xenstore
