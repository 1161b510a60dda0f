// SPDX-License-Identifier: MIT
// What can be done with nodes, on whose behalf, and what is refused: xenstore's rules, over a Transaction.
//
// Errors: noent, acces as the permissions tell; inval; nospc, too_big for what exceeds a limit.
#pragma once
#include <string>
#include <string_view>
#include <userland/xenstored/transaction.hpp>

namespace xenstore {
class Operations {
public:
    Operations(Transaction &nodes, Identity who, Limits const &limits) : nodes_{nodes}, who_{who}, limits_{limits} {}

    Result<std::string> read(std::string_view path);
    Result<Permissions> permissions(std::string_view path);
    Result<Transaction::Listing> directory(std::string_view path);
    // Creates missing parents, too.
    Result<> write(std::string_view path, std::string_view value);
    Result<> make_directory(std::string_view path);
    // With all below it. No error if it does not exist but its parent does.
    Result<> remove(std::string_view path);
    // Only a node's owner may, and only the control domain may make another one its owner (Error::perm).
    Result<> set_permissions(std::string_view path, Permissions);

private:
    Result<ContentRef> find_for(std::string_view path, Access);
    Result<> create(std::string_view path, std::string_view value);
    Error why_absent(std::string_view path);
    Result<ContentRef> nearest(std::string_view path, std::string_view &found);

    Transaction &nodes_;
    Identity who_;
    Limits const &limits_;
};
}  // namespace xenstore
