// SPDX-License-Identifier: MIT
#include "world.hpp"
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

using namespace xenstore;

Machine::DomainState FakeMachine::state_of(domid_t domain)
{
    auto at = states.find(domain);
    return at == states.end() ? DomainState::gone : at->second;
}

void FakeMachine::create(domid_t domain)
{
    states[domain] = DomainState::running;
    pages[domain] = std::make_unique<xenstore_domain_interface>();
    std::memset(pages[domain].get(), 0, sizeof(xenstore_domain_interface));
}

Result<xenstore_domain_interface *> FakeMachine::map_ring(domid_t domain, std::uint32_t)
{
    if (!pages.contains(domain))
        return Error::inval;
    ++mapped;
    return pages[domain].get();
}

Result<evtchn_port_t> FakeMachine::bind(domid_t domain, evtchn_port_t theirs)
{
    if (theirs == 0)
        return Error::inval;
    ++bound;
    return domain * 1000 + theirs;
}

std::string Answer::text() const { return without_nuls(ok() ? payload : payload.substr(0, payload.size() - 1)); }

std::string with_nuls(std::string_view text)
{
    std::string bytes{text};
    std::replace(bytes.begin(), bytes.end(), '|', '\0');
    return bytes;
}

std::string without_nuls(std::string_view bytes)
{
    std::string text{bytes};
    std::replace(text.begin(), text.end(), '\0', '|');
    return text;
}

bool Inbox::next(Answer &answer, std::vector<Event> &events, std::uint32_t *req_id)
{
    xsd_sockmsg header;
    while (bytes_.size() >= sizeof header) {
        std::memcpy(&header, bytes_.data(), sizeof header);
        REQUIRE(header.len <= XENSTORE_PAYLOAD_MAX);
        if (bytes_.size() < sizeof header + header.len)
            return false;
        auto payload = bytes_.substr(sizeof header, header.len);
        bytes_.erase(0, sizeof header + header.len);
        if (header.type != XS_WATCH_EVENT) {
            answer = {header.type, payload};
            if (req_id)
                *req_id = header.req_id;
            return true;
        }
        auto parts = strings_of(payload);
        REQUIRE((parts && parts->size() == 2));
        events.push_back({std::string{(*parts)[0]}, std::string{(*parts)[1]}});
    }
    return false;
}

Client::Client(Services services, domid_t domain, Connection::Rights rights)
    : connection_{services, *this, Identity{domain}, rights}
{
}

Result<std::size_t> Client::receive(std::span<char> to)
{
    auto n = std::min(to.size(), to_server_.size());
    to_server_.copy(to.data(), n);
    to_server_.erase(0, n);
    return n;
}

Result<std::size_t> Client::send(std::span<char const> from)
{
    inbox_.add({from.data(), from.size()});
    return from.size();
}

void Client::run()
{
    for (;;) {
        auto more = connection_.step();
        REQUIRE(more.ok());
        if (!more.value())
            return;
    }
}

Answer Client::ask(std::uint32_t type, std::string_view payload, std::uint32_t transaction)
{
    return ask_bytes(type, with_nuls(payload), transaction);
}

Answer Client::ask_bytes(std::uint32_t type, std::string_view payload, std::uint32_t transaction)
{
    to_server_ += encode_message({type, 7, transaction, 0}, payload);
    run();
    Answer answer{};
    std::uint32_t req_id = 0;
    REQUIRE(inbox_.next(answer, events_, &req_id));
    REQUIRE(req_id == 7);
    REQUIRE((answer.type == type || answer.type == XS_ERROR));
    return answer;
}

std::uint32_t Client::begin()
{
    auto answer = ask(XS_TRANSACTION_START, "|");
    REQUIRE(answer.ok());
    return static_cast<std::uint32_t>(std::stoul(answer.payload));
}

std::vector<Event> Client::events()
{
    run();
    Answer none;
    REQUIRE_FALSE(inbox_.next(none, events_));
    return std::exchange(events_, {});
}

void RingClient::put(std::string_view bytes)
{
    for (char byte : bytes) {
        REQUIRE(page_.req_prod - page_.req_cons < XENSTORE_RING_SIZE);
        page_.req[MASK_XENSTORE_IDX(page_.req_prod++)] = byte;
        if (page_.req_prod - page_.req_cons == XENSTORE_RING_SIZE)
            take();
    }
    take();
}

void RingClient::take()
{
    world_.domains.on_event(domain_ * 1000u + 1);
    while (world_.domains.serve() || page_.rsp_prod != page_.rsp_cons) {
        std::string bytes;
        while (page_.rsp_cons != page_.rsp_prod)
            bytes += page_.rsp[MASK_XENSTORE_IDX(page_.rsp_cons++)];
        inbox_.add(bytes);
        world_.domains.on_event(domain_ * 1000u + 1);
    }
}

Answer RingClient::ask(std::uint32_t type, std::string_view payload)
{
    put(encode_message({type, 1, 0, 0}, with_nuls(payload)));
    Answer answer{};
    REQUIRE(inbox_.next(answer, events_));
    return answer;
}

std::vector<Event> RingClient::events()
{
    take();
    Answer none;
    REQUIRE_FALSE(inbox_.next(none, events_));
    return std::exchange(events_, {});
}
