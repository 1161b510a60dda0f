// SPDX-License-Identifier: MIT
#include <userland/xenstored/requests.hpp>

namespace xenstore {
namespace {
// So that an event with the longest path still is a message.
constexpr std::size_t max_token = XENSTORE_PAYLOAD_MAX - max_path - 2;
}  // namespace

Result<std::string> Requests::watch(Request const &request)
{
    auto parts = strings_of(request.payload);
    if (!parts || parts->size() < 2 || parts->size() > 3)
        return Error::inval;
    auto sent = (*parts)[0], token = (*parts)[1];
    if (token.size() > max_token)
        return Error::too_big;
    Watches::Wanted wanted{.path = std::string{sent}, .token = std::string{token}};
    if (!is_special(sent)) {
        wanted.path = TRY(path_of(sent));
        wanted.hidden = wanted.path.size() - sent.size();
    } else if (sent.size() > max_relative_path) {
        return Error::inval;
    }
    if (parts->size() == 3 && !(*parts)[2].empty())
        wanted.depth = TRY(number_of((*parts)[2], max_path));
    TRY(store_.watches().add(c_, std::move(wanted)));
    return done();
}

Result<std::string> Requests::unwatch(Request const &request)
{
    auto parts = strings_of(request.payload);
    if (!parts || parts->size() < 2 || parts->size() > 3)
        return Error::inval;
    auto sent = (*parts)[0], token = (*parts)[1];
    auto path = is_special(sent) ? std::string{sent} : TRY(path_of(sent));
    TRY(store_.watches().remove(c_, path, token));
    c_.drop_events(sent, token);
    return done();
}

Result<std::string> Requests::reset_watches(Request const &)
{
    store_.watches().remove_all(c_);
    c_.transactions_.clear();
    c_.events_.clear();
    c_.waiting_.clear();
    return done();
}

Result<std::string> Requests::special_permissions(Request const &, std::string_view special)
{
    auto readers = store_.readers_of(special);
    if (!readers)
        return Error::noent;
    return readers->allow(c_.who_, Access::read) ? Result<std::string>{readers->text()} : Error::acces;
}

Result<std::string> Requests::set_special_permissions(std::string_view special, Permissions permissions)
{
    auto readers = store_.readers_of(special);
    if (!c_.who_.privileged())
        return Error::acces;
    if (!readers)
        return Error::noent;
    *readers = std::move(permissions);
    return done();
}
}  // namespace xenstore
