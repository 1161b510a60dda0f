// SPDX-License-Identifier: MIT
#include <userland/xenstored/domains.hpp>
#include <userland/xenstored/requests.hpp>

namespace xenstore {
// clang-format off
Requests::Kind const Requests::kinds[XS_TYPE_COUNT] = {
    /* XS_CONTROL */              {&Requests::control,           May::control_domain_only},
    /* XS_DIRECTORY */            {&Requests::directory,         May::anybody},
    /* XS_READ */                 {&Requests::read,              May::anybody},
    /* XS_GET_PERMS */            {&Requests::get_permissions,   May::anybody},
    /* XS_WATCH */                {&Requests::watch,             May::anybody},
    /* XS_UNWATCH */              {&Requests::unwatch,           May::anybody},
    /* XS_TRANSACTION_START */    {&Requests::start_transaction, May::anybody},
    /* XS_TRANSACTION_END */      {&Requests::end_transaction,   May::anybody},
    /* XS_INTRODUCE */            {&Requests::introduce,         May::control_domain_only},
    /* XS_RELEASE */              {&Requests::release,           May::control_domain_only},
    /* XS_GET_DOMAIN_PATH */      {&Requests::domain_path,       May::anybody},
    /* XS_WRITE */                {&Requests::write,             May::who_may_write},
    /* XS_MKDIR */                {&Requests::make_directory,    May::who_may_write},
    /* XS_RM */                   {&Requests::remove,            May::who_may_write},
    /* XS_SET_PERMS */            {&Requests::set_permissions,   May::who_may_write},
    /* XS_WATCH_EVENT */          {nullptr,                      May::anybody},
    /* XS_ERROR */                {nullptr,                      May::anybody},
    /* XS_IS_DOMAIN_INTRODUCED */ {&Requests::is_introduced,     May::anybody},
    /* XS_RESUME */               {&Requests::resume,            May::control_domain_only},
    /* XS_SET_TARGET */           {&Requests::set_target,        May::control_domain_only},
    /* 20, withdrawn */           {nullptr,                      May::anybody},
    /* XS_RESET_WATCHES */        {&Requests::reset_watches,     May::anybody},
    /* XS_DIRECTORY_PART */       {&Requests::directory_part,    May::anybody},
};
// clang-format on

Result<std::string> Requests::serve(Request const &request)
{
    if (request.header.type >= XS_TYPE_COUNT || !kinds[request.header.type].handler)
        return Error::nosys;
    auto const &kind = kinds[request.header.type];
    if (kind.may == May::control_domain_only && !c_.who_.privileged())
        return Error::acces;
    if (kind.may != May::anybody && c_.rights_ == Connection::Rights::read_only)
        return Error::rofs;
    return (this->*kind.handler)(request);
}

Result<std::string> Requests::only_path(Request const &request)
{
    auto parts = split_first(request.payload);
    if (!parts || !parts->second.empty())
        return Error::inval;
    return path_of(parts->first);
}

Result<std::string> Requests::read(Request const &request)
{
    auto path = TRY(only_path(request));
    return perform(request, [&](Operations &o) { return o.read(path); });
}

Result<std::string> Requests::write(Request const &request)
{
    auto parts = split_first(request.payload);
    if (!parts)
        return Error::inval;
    auto path = TRY(path_of(parts->first));
    TRY(perform(request, [&](Operations &o) { return o.write(path, parts->second); }));
    return done();
}

Result<std::string> Requests::make_directory(Request const &request)
{
    auto path = TRY(only_path(request));
    TRY(perform(request, [&](Operations &o) { return o.make_directory(path); }));
    return done();
}

Result<std::string> Requests::remove(Request const &request)
{
    auto path = TRY(only_path(request));
    TRY(perform(request, [&](Operations &o) { return o.remove(path); }));
    return done();
}

namespace {
std::string joined(std::vector<std::string> const &names)
{
    std::string all;
    for (auto const &name : names)
        (all += name) += '\0';
    return all;
}
}  // namespace

Result<std::string> Requests::directory(Request const &request)
{
    auto path = TRY(only_path(request));
    auto listing = TRY(perform(request, [&](Operations &o) { return o.directory(path); }));
    return joined(listing.names);
}

// Whole names from an offset into the list, as many as fit. An empty name ends the list.
Result<std::string> Requests::directory_part(Request const &request)
{
    auto parts = strings_of(request.payload);
    if (!parts || parts->size() != 2)
        return Error::inval;
    auto path = TRY(path_of((*parts)[0]));
    auto offset = TRY(number_of((*parts)[1], 1u << 31));
    auto listing = TRY(perform(request, [&](Operations &o) { return o.directory(path); }));
    auto all = joined(listing.names);
    auto reply = std::to_string(listing.change) + '\0';
    auto rest = std::string_view{all}.substr(std::min<std::size_t>(offset, all.size()));
    while (!rest.empty()) {
        auto name = rest.substr(0, rest.find('\0') + 1);
        if (reply.size() + name.size() > XENSTORE_PAYLOAD_MAX)
            return reply;
        reply += name;
        rest.remove_prefix(name.size());
    }
    if (reply.size() < XENSTORE_PAYLOAD_MAX)
        reply += '\0';
    return reply;
}

Result<std::string> Requests::get_permissions(Request const &request)
{
    auto parts = split_first(request.payload);
    if (!parts || !parts->second.empty())
        return Error::inval;
    if (is_special(parts->first))
        return special_permissions(request, parts->first);
    auto path = TRY(path_of(parts->first));
    return TRY(perform(request, [&](Operations &o) { return o.permissions(path); })).text();
}

Result<std::string> Requests::set_permissions(Request const &request)
{
    auto parts = split_first(request.payload);
    if (!parts)
        return Error::inval;
    auto permissions = TRY(Permissions::parse(parts->second));
    if (is_special(parts->first))
        return set_special_permissions(parts->first, std::move(permissions));
    auto path = TRY(path_of(parts->first));
    TRY(perform(request, [&](Operations &o) { return o.set_permissions(path, permissions); }));
    return done();
}

Result<std::string> Requests::start_transaction(Request const &request)
{
    if (request.header.tx_id != 0)
        return Error::busy;
    auto &all = c_.transactions_;
    auto transaction = TRY(store_.begin(c_.who_));
    do
        ++c_.last_transaction_;
    while (c_.last_transaction_ == 0 || all.contains(c_.last_transaction_));
    all.emplace(c_.last_transaction_, std::move(transaction));
    return std::to_string(c_.last_transaction_) + '\0';
}

Result<std::string> Requests::end_transaction(Request const &request)
{
    auto parts = split_first(request.payload);
    if (!parts || (parts->first != "T" && parts->first != "F"))
        return Error::inval;
    auto at = c_.transactions_.find(request.header.tx_id);
    if (at == c_.transactions_.end())
        return Error::noent;
    auto transaction = std::move(at->second);
    c_.transactions_.erase(at);
    if (parts->first == "F")
        return done();
    domid_t culprit = no_domain;
    auto result = store_.commit(*transaction, culprit);
    if (result.ok())
        return done();
    if (result.error() == Error::again)
        c_.services_.domains.hold_back(culprit, c_.who_);
    return result.error();
}
}  // namespace xenstore
