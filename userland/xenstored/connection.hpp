// SPDX-License-Identifier: MIT
// One client: a byte stream in both directions, its watches, its open transactions.
//
//     transport --bytes--> request --> reply -+-> transport
//                    watch events, waiting ---+
//
// The next request is read only when nothing waits to go out. So a client that does not read its replies costs one message in, one
// message out and a bounded queue of events, whatever it sends.
#pragma once
#include <deque>
#include <map>
#include <span>
#include <unordered_set>
#include <userland/xenstored/message.hpp>
#include <userland/xenstored/store.hpp>

namespace xenstore {
class Domains;
class Log;

// How bytes come and go; never blocks.
class Transport {
public:
    virtual ~Transport() = default;
    // Bytes moved, 0 if none can be now. An error: the client has gone, or broke the transport's rules.
    virtual Result<std::size_t> receive(std::span<char>) = 0;
    virtual Result<std::size_t> send(std::span<char const>) = 0;
};

// What all connections act on.
struct Services {
    Store &store;
    Domains &domains;
    Log &log;
};

class Connection final : public Watcher {
public:
    enum class Rights { all, read_only };
    Connection(Services services, Transport &transport, Identity who, Rights rights)
        : services_{services}, transport_{transport}, who_{who}, rights_{rights}
    {
    }
    ~Connection() { reset(); }
    Connection(Connection const &) = delete;
    Connection &operator=(Connection const &) = delete;

    // Sends what can be sent, takes at most one request. True: there may be more to do at once. Error::msgsize: the client
    // announced too long a message; other errors are the transport's. After an error there is no more to be done with it.
    Result<bool> step();
    bool has_output() const { return sent_ < out_.size() || !events_.empty(); }
    // Forgets watches, transactions, and messages on their way.
    void reset();

    Identity identity() const override { return who_; }
    void on_event(std::string const &path, std::string const &token, std::string const &whole) override;
    void set_target(domid_t target) { who_.target = target; }

private:
    friend class Requests;
    Result<bool> flush();
    Result<bool> fill();
    void serve();
    void drop_events(std::string_view whole, std::string_view token);
    void next_event();

    Services services_;
    Transport &transport_;
    Identity who_;
    Rights rights_;
    std::string in_, out_;
    std::size_t sent_ = 0;  // of out_
    // Events that wait: path, token and watch, each ended by NUL. No two are alike.
    std::unordered_set<std::string> waiting_;
    std::deque<std::string const *> events_;  // their order
    std::map<std::uint32_t, std::unique_ptr<Transaction>> transactions_;
    std::uint32_t last_transaction_ = 0;
};
}  // namespace xenstore
