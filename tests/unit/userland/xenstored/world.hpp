// SPDX-License-Identifier: MIT
// A xenstored without processes: clients whose bytes are strings, and domains whose rings are plain memory.
#pragma once
#include <map>
#include <memory>
#include <userland/xenstored/domains.hpp>
#include <userland/xenstored/log.hpp>
#include <vector>

// A hypervisor that knows the domains it is told of.
class FakeMachine final : public xenstore::Machine {
public:
    DomainState state_of(domid_t) override;
    Result<xenstore_domain_interface *> map_ring(domid_t, std::uint32_t frame) override;
    void unmap_ring(xenstore_domain_interface *) override { --mapped; }
    Result<evtchn_port_t> bind(domid_t, evtchn_port_t theirs) override;
    void unbind(evtchn_port_t) override { --bound; }
    void notify(evtchn_port_t ours) override { ++notified[ours]; }
    std::uint64_t now_ms() override { return now; }

    xenstore_domain_interface &page(domid_t domain) { return *pages.at(domain); }
    void create(domid_t);
    void destroy(domid_t domain) { states[domain] = DomainState::gone; }

    std::map<domid_t, DomainState> states;
    std::map<domid_t, std::unique_ptr<xenstore_domain_interface>> pages;
    std::map<evtchn_port_t, unsigned> notified;
    int mapped = 0, bound = 0;
    std::uint64_t now = 1;
};

struct Event {
    std::string path, token;
    friend auto operator<=>(Event const &, Event const &) = default;
};

struct Answer {
    std::uint32_t type;
    std::string payload;
    bool ok() const { return type != XS_ERROR; }
    // "EACCES", or the payload, its NULs as '|'.
    std::string text() const;
};

// Takes messages apart as they come.
class Inbox {
public:
    void add(std::string_view bytes) { bytes_ += bytes; }
    // The next reply; watch events on the way go to `events`. False: there is none yet.
    bool next(Answer &, std::vector<Event> &events, std::uint32_t *req_id = nullptr);

private:
    std::string bytes_;
};

class Client final : public xenstore::Transport {
public:
    Client(xenstore::Services, domid_t, xenstore::Connection::Rights = xenstore::Connection::Rights::all);

    // Payloads are written with '|' for NUL.
    Answer ask(std::uint32_t type, std::string_view payload, std::uint32_t transaction = 0);
    Answer ask_bytes(std::uint32_t type, std::string_view payload, std::uint32_t transaction = 0);
    std::string text(std::uint32_t type, std::string_view payload, std::uint32_t transaction = 0)
    {
        return ask(type, payload, transaction).text();
    }
    std::uint32_t begin();
    std::string commit(std::uint32_t transaction) { return text(XS_TRANSACTION_END, "T|", transaction); }
    // Those since the last call.
    std::vector<Event> events();
    domid_t domain() const { return connection_.identity().domain; }
    xenstore::Connection &connection() { return connection_; }

    Result<std::size_t> receive(std::span<char>) override;
    Result<std::size_t> send(std::span<char const>) override;

private:
    void run();
    std::string to_server_;
    Inbox inbox_;
    std::vector<Event> events_;
    xenstore::Connection connection_;
};

struct World {
    explicit World(xenstore::Limits limits = {}) : store{limits}, domains{store, machine, log} {}
    xenstore::Services services() { return {store, domains, log}; }
    FakeMachine machine;
    xenstore::Log log;
    xenstore::Store store;
    xenstore::Domains domains;
};

std::string with_nuls(std::string_view);     // '|' -> NUL
std::string without_nuls(std::string_view);  // NUL -> '|'

// The domain's side of a ring.
class RingClient {
public:
    RingClient(World &world, domid_t domain) : world_{world}, domain_{domain}, page_{world.machine.page(domain)} {}
    void put(std::string_view bytes);  // what fits; gives the server its turn
    Answer ask(std::uint32_t type, std::string_view payload);
    void take();  // what the server has sent
    std::vector<Event> events();

private:
    World &world_;
    domid_t domain_;
    xenstore_domain_interface &page_;
    Inbox inbox_;
    std::vector<Event> events_;
};
