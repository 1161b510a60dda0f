// SPDX-License-Identifier: MIT
// From a request to the payload of its reply. Payloads: include/pv/io/xs_wire.h; rules: xenstore's protocol specification.
#pragma once
#include <userland/xenstored/connection.hpp>

namespace xenstore {
class Requests {
public:
    explicit Requests(Connection &c) : c_{c}, store_{c.services_.store} {}
    Result<std::string> serve(Request const &);

private:
    using Handler = Result<std::string> (Requests::*)(Request const &);
    enum class May : std::uint8_t { anybody, who_may_write, control_domain_only };
    struct Kind {
        Handler handler;
        May may;
    };
    static Kind const kinds[XS_TYPE_COUNT];

    // requests.cpp: nodes
    Result<std::string> read(Request const &);
    Result<std::string> write(Request const &);
    Result<std::string> make_directory(Request const &);
    Result<std::string> remove(Request const &);
    Result<std::string> directory(Request const &);
    Result<std::string> directory_part(Request const &);
    Result<std::string> get_permissions(Request const &);
    Result<std::string> set_permissions(Request const &);
    // requests.cpp: transactions
    Result<std::string> start_transaction(Request const &);
    Result<std::string> end_transaction(Request const &);
    // watch_requests.cpp
    Result<std::string> watch(Request const &);
    Result<std::string> unwatch(Request const &);
    Result<std::string> reset_watches(Request const &);
    Result<std::string> special_permissions(Request const &, std::string_view special);
    Result<std::string> set_special_permissions(std::string_view special, Permissions);
    // domain_requests.cpp
    Result<std::string> introduce(Request const &);
    Result<std::string> release(Request const &);
    Result<std::string> resume(Request const &);
    Result<std::string> set_target(Request const &);
    Result<std::string> is_introduced(Request const &);
    Result<std::string> domain_path(Request const &);
    // control.cpp
    Result<std::string> control(Request const &);

    Result<std::string> path_of(std::string_view sent) { return absolute_path(sent, c_.who_.domain); }
    Result<std::string> only_path(Request const &);
    template <class Perform>
    auto perform(Request const &request, Perform &&perform) -> decltype(perform(std::declval<Operations &>()))
    {
        if (request.header.tx_id == 0)
            return store_.at_once(c_.who_, perform);
        auto at = c_.transactions_.find(request.header.tx_id);
        if (at == c_.transactions_.end())
            return Error::noent;
        return store_.within(*at->second, c_.who_, perform);
    }

    Connection &c_;
    Store &store_;
};

// The reply of a request that has nothing to say.
inline std::string done() { return std::string("OK", 3); }
}  // namespace xenstore
