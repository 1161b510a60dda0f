// SPDX-License-Identifier: MIT
// Watches: who wants to hear of which changes.
//
//     watch on   /a/b           hears of changes of   /a/b, /a/b/c, /a/b/c/d, ...     by their own path
//                                                     /a, if that is removed          as /a/b, if that existed
//     to depth 1                                      /a/b, /a/b/c
//     @releaseDomain                                  what the daemon itself makes known
//
// Nobody hears of a node who could read neither that (before or after the change) nor its parent.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <userland/xenstored/change.hpp>
#include <vector>

namespace xenstore {
// A connection, as watches see it.
class Watcher {
public:
    virtual Identity identity() const = 0;
    // `whole` names the watch itself: what may be said instead when too much waits to be said.
    virtual void on_event(std::string const &path, std::string const &token, std::string const &whole) = 0;

protected:
    ~Watcher() = default;
};

class Watches {
public:
    explicit Watches(Accounts &accounts) : accounts_{accounts} {}

    struct Wanted {
        std::string path;   // absolute, or special
        std::string token;  // the watcher's, told with each event
        // Leading bytes of `path` that events leave out, since the client gave a relative path.
        std::size_t hidden = 0;
        std::optional<unsigned> depth = {};
    };
    // The watcher hears of the watch itself at once. Error::exist, Error::nospc.
    Result<> add(Watcher &, Wanted);
    Result<> remove(Watcher &, std::string_view path, std::string_view token);  // Error::noent
    void remove_all(Watcher &);

    void announce(Tree const &, std::vector<Change> const &);
    // One of the special events. `readers`: who may hear of it.
    void announce_special(std::string_view special, Permissions const &readers);
    std::size_t size() const { return size_; }

private:
    struct Watch {
        Watcher *watcher;
        Wanted wanted;
    };
    static void tell(Watch const &, std::string_view path);
    static Charge charge_of(Wanted const &);
    void announce_at(std::string_view watched, Change const &, Permissions const *parent);

    Accounts &accounts_;
    std::map<std::string, std::vector<Watch>, std::less<>> by_path_;
    std::size_t size_ = 0;
};
}  // namespace xenstore
