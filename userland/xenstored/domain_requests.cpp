// SPDX-License-Identifier: MIT
#include <charconv>
#include <userland/xenstored/domains.hpp>
#include <userland/xenstored/requests.hpp>

namespace xenstore {
namespace {
constexpr std::uint32_t last_domain = 0x7fef;  // before DOMID_FIRST_RESERVED

Result<domid_t> domain_of(std::string_view text) { return static_cast<domid_t>(TRY(number_of(text, 0xffff))); }

// A domain that can be introduced.
Result<domid_t> guest_of(std::string_view text)
{
    auto domain = TRY(domain_of(text));
    if (domain == control_domain || domain > last_domain)
        return Error::inval;
    return domain;
}

// A frame number: decimal, signed as some clients write it.
Result<std::uint32_t> frame_of(std::string_view text)
{
    std::int64_t n = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size() || n < INT32_MIN || n > UINT32_MAX)
        return Error::inval;
    return static_cast<std::uint32_t>(n);
}

Result<std::vector<std::string_view>> strings(Request const &request, std::size_t at_least)
{
    auto parts = strings_of(request.payload);
    if (!parts || parts->size() < at_least)
        return Error::inval;
    return *parts;
}
}  // namespace

Result<std::string> Requests::introduce(Request const &request)
{
    auto parts = TRY(strings(request, 3));
    auto domain = TRY(guest_of(parts[0]));
    auto frame = TRY(frame_of(parts[1]));
    auto port = TRY(number_of(parts[2], UINT32_MAX));
    TRY(c_.services_.domains.introduce(domain, frame, port));
    return done();
}

Result<std::string> Requests::release(Request const &request)
{
    TRY(c_.services_.domains.release(TRY(guest_of(TRY(strings(request, 1))[0]))));
    return done();
}

Result<std::string> Requests::resume(Request const &request)
{
    TRY(c_.services_.domains.resume(TRY(guest_of(TRY(strings(request, 1))[0]))));
    return done();
}

Result<std::string> Requests::set_target(Request const &request)
{
    auto parts = TRY(strings(request, 2));
    auto domain = TRY(guest_of(parts[0])), target = TRY(guest_of(parts[1]));
    TRY(c_.services_.domains.set_target(domain, target));
    return done();
}

Result<std::string> Requests::is_introduced(Request const &request)
{
    auto domain = TRY(domain_of(TRY(strings(request, 1))[0]));
    bool is = domain == control_domain || c_.services_.domains.introduced(domain);
    return std::string{is ? 'T' : 'F', '\0'};
}

Result<std::string> Requests::domain_path(Request const &request)
{
    return home_of(TRY(domain_of(TRY(strings(request, 1))[0]))) + '\0';
}
}  // namespace xenstore
