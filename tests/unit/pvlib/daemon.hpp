// SPDX-License-Identifier: MIT
// A xenstore daemon for tests: a small tree, watches and transactions behind a store page. It can be told to misbehave.
#pragma once
#include "world.hpp"
#include <map>

struct Daemon {
    xenstore_domain_interface *page = nullptr;
    unsigned guests_port = 0;  // where the guest hears us
    std::map<std::string, std::string> nodes;
    std::vector<std::pair<std::string, std::string>> watches;  // path, token
    std::vector<std::string> requests;                         // "TYPE payload", NULs as '|'
    bool silent = false;
    unsigned again = 0;  // so many ends of transactions fail with EAGAIN
    // Called for each request first; true: it has been dealt with.
    std::function<bool(xsd_sockmsg const &, std::string const &)> instead;

    void start(xenstore_domain_interface *p, unsigned port);  // and from then on whenever the guest's threads all sleep
    bool work();                                              // true: something was done
    void reply(xsd_sockmsg h, std::uint32_t type, std::string const &payload);
    void error(xsd_sockmsg const &h, char const *name) { reply(h, XS_ERROR, std::string{name} + '\0'); }
    void raw(std::string const &bytes);  // into the reply ring as they are
    void set(std::string const &path, std::string const &value);
    void remove(std::string const &path);
    unsigned count(std::string const &beginning) const;  // requests that begin so

private:
    void handle(xsd_sockmsg const &, std::string const &);
    void fire(std::string const &path);
    bool exists(std::string const &path) const;
    std::string children(std::string const &path) const;
    std::string in_, out_;
};
