// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <userland/xenstored/connection.hpp>
#include <userland/xenstored/log.hpp>
#include <userland/xenstored/requests.hpp>

namespace xenstore {
namespace {
struct EventParts {
    std::string_view path, token, whole;
};

EventParts parts_of(std::string_view key)
{
    auto first = key.find('\0'), second = key.find('\0', first + 1);
    return {key.substr(0, first), key.substr(first + 1, second - first - 1),
            key.substr(second + 1, key.size() - second - 2)};
}
}  // namespace

void Connection::reset()
{
    services_.store.watches().remove_all(*this);
    transactions_.clear();
    in_.clear();
    out_.clear();
    sent_ = 0;
    events_.clear();
    waiting_.clear();
}

// Two equal events in a row say no more than one: a client looks after each. When too many different ones wait, those of one watch
// become one that names only the watch.
void Connection::on_event(std::string const &path, std::string const &token, std::string const &whole)
{
    bool too_many = events_.size() >= services_.store.accounts().limits().events;
    std::string key = too_many ? whole : path;
    for (auto const *text : {&token, &whole}) {
        key += '\0';
        key += *text;
    }
    key += '\0';
    if (auto [at, fresh] = waiting_.insert(std::move(key)); fresh)
        events_.push_back(&*at);
}

void Connection::drop_events(std::string_view whole, std::string_view token)
{
    std::erase_if(events_, [&](std::string const *key) {
        auto parts = parts_of(*key);
        if (parts.whole != whole || parts.token != token)
            return false;
        waiting_.erase(*key);
        return true;
    });
}

void Connection::next_event()
{
    auto const *key = events_.front();
    events_.pop_front();
    auto parts = parts_of(*key);
    out_ = encode_message({.type = XS_WATCH_EVENT, .req_id = 0, .tx_id = 0, .len = 0},
                          std::string_view{*key}.substr(0, parts.path.size() + parts.token.size() + 2));
    sent_ = 0;
    waiting_.erase(*key);
}

// True: something was sent.
Result<bool> Connection::flush()
{
    bool moved = false;
    while (has_output()) {
        if (sent_ == out_.size())
            next_event();
        auto n = TRY(transport_.send(std::span{out_}.subspan(sent_)));
        if (n == 0)
            return moved;
        sent_ += n;
        moved = true;
    }
    out_.clear();
    sent_ = 0;
    return moved;
}

// Reads on, to the end of one message and never beyond. True: it is whole.
Result<bool> Connection::fill()
{
    for (;;) {
        xsd_sockmsg header;
        std::size_t wanted = sizeof header;
        if (in_.size() >= sizeof header) {
            std::memcpy(&header, in_.data(), sizeof header);
            if (header.len > XENSTORE_PAYLOAD_MAX)
                return Error::msgsize;
            wanted += header.len;
            if (in_.size() == wanted)
                return true;
        }
        char bytes[sizeof header + XENSTORE_PAYLOAD_MAX];
        auto n = TRY(transport_.receive(std::span{bytes}.first(wanted - in_.size())));
        if (n == 0)
            return false;
        in_.append(bytes, n);
    }
}

void Connection::serve()
{
    Request request{{}, std::string_view{in_}.substr(sizeof request.header)};
    std::memcpy(&request.header, in_.data(), sizeof request.header);
    auto reply = Requests{*this}.serve(request);
    if (reply.ok() && reply.value().size() > XENSTORE_PAYLOAD_MAX)
        reply = Error::too_big;
    services_.log.request(who_, request, reply.error());
    auto header = request.header;
    if (!reply.ok())
        header.type = XS_ERROR;
    auto const *name = error_name(reply.error());
    out_ = encode_message(header, reply.ok() ? reply.value() : std::string_view{name, std::strlen(name) + 1});
    sent_ = 0;
    in_.clear();
}

Result<bool> Connection::step()
{
    bool moved = TRY(flush());
    if (has_output())
        return moved;
    if (!TRY(fill()))
        return moved;
    serve();
    TRY(flush());
    return true;
}
}  // namespace xenstore
