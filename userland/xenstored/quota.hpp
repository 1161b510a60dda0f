// SPDX-License-Identifier: MIT
// What each domain holds of the daemon's memory, and how much it may. The control domain may hold any amount.
//
// Everything that stays between two requests is charged to a domain: a node to its owner; a watch, a transaction and what they
// refer to, to the domain whose connection made them. Not charged, but bounded for each connection: one message that comes in, one that
// goes out, and its queue of watch events (connection.hpp).
#pragma once
#include <cstddef>
#include <cstdint>
#include <lib/result.hpp>
#include <map>
#include <pv/abi.h>
#include <string>
#include <string_view>

namespace xenstore {
// For each domain; the names are those of the command line and of the control request.
struct Limits {
    std::uint32_t nodes = 1000;          // owned
    std::uint32_t memory = 2 << 20;      // bytes, of everything that is charged
    std::uint32_t node_size = 2048;      // bytes of one value
    std::uint32_t node_permissions = 5;  // of one node
    std::uint32_t watches = 128;
    std::uint32_t transactions = 10;         // open at a time
    std::uint32_t transaction_nodes = 1024;  // that one transaction has looked at
    std::uint32_t events = 1024;             // watch events that wait for a connection to take them

    struct Named {
        char const *name, *meaning;
        std::uint32_t Limits::*value;
    };
    static Named const *begin();
    static Named const *end();
    static Named const *find(std::string_view name);
};

// Added to, or taken from, what a domain holds.
struct Charge {
    std::int64_t nodes = 0, bytes = 0, watches = 0, transactions = 0;
    Charge &operator+=(Charge const &);
    friend Charge operator-(Charge c) { return {-c.nodes, -c.bytes, -c.watches, -c.transactions}; }
    bool nothing() const { return nodes == 0 && bytes == 0 && watches == 0 && transactions == 0; }
};

class Accounts {
public:
    explicit Accounts(Limits limits) : limits_{limits} {}
    Limits &limits() { return limits_; }
    Limits const &limits() const { return limits_; }

    // Error::nospc: the domain would hold more than it may, of something that grows.
    Result<> check(domid_t, Charge const &) const;
    void apply(domid_t, Charge const &);
    Charge held(domid_t) const;
    std::map<domid_t, Charge> const &all() const { return held_; }

private:
    Limits limits_;
    std::map<domid_t, Charge> held_;  // only domains that hold something
};
}  // namespace xenstore
