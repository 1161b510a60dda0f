// SPDX-License-Identifier: MIT
#include <algorithm>
#include <userland/xenstored/domains.hpp>
#include <userland/xenstored/log.hpp>

namespace xenstore {
namespace {
constexpr std::uint64_t quiet_ms = 2000, longest_hold_ms = 1000;
}  // namespace

Domains::Domain::Domain(Domains &all, domid_t domain, xenstore_domain_interface *shared, std::uint32_t where,
                        evtchn_port_t ours)
    : machine{all.machine_}, number{domain}, page{shared}, frame{where}, port{ours}, ring{shared},
      connection{Services{all.store_, all, all.log_}, ring, Identity{domain}, Connection::Rights::all}
{
}

Domains::Domain::~Domain()
{
    machine.unbind(port);
    machine.unmap_ring(page);
}

Domains::Domains(Store &store, Machine &machine, Log &log) : store_{store}, machine_{machine}, log_{log} {}
Domains::~Domains() = default;

Domains::Domain *Domains::find(domid_t domain)
{
    auto at = domains_.find(domain);
    return at == domains_.end() ? nullptr : at->second.get();
}

Result<> Domains::introduce(domid_t number, std::uint32_t frame, evtchn_port_t theirs)
{
    if (auto domain = find(number)) {
        if (domain->frame != frame)
            return Error::inval;
        auto port = TRY(machine_.bind(number, theirs));
        machine_.unbind(domain->port);
        domain->port = port;
        domain->ready = true;
        return {};
    }
    if (machine_.state_of(number) == Machine::DomainState::gone)
        return Error::inval;
    auto page = TRY(machine_.map_ring(number, frame));
    auto port = machine_.bind(number, theirs);
    if (!port.ok()) {
        machine_.unmap_ring(page);
        return port.error();
    }
    auto domain = std::make_unique<Domain>(*this, number, page, frame, port.value());
    machine_.notify(domain->port);  // there is a server now
    domains_.emplace(number, std::move(domain));
    if (number != control_domain)
        store_.announce_special(introduce_domain);
    return {};
}

Domains::Entries::iterator Domains::end(Entries::iterator at)
{
    auto number = at->first;
    auto next = domains_.erase(at);
    store_.forget(number);
    store_.announce_special(release_domain);
    return next;
}

Result<> Domains::release(domid_t number)
{
    auto at = domains_.find(number);
    if (at == domains_.end())
        return Error::noent;
    end(at);
    return {};
}

Result<> Domains::resume(domid_t number)
{
    auto domain = find(number);
    if (!domain)
        return Error::noent;
    domain->shut_down = false;
    return {};
}

Result<> Domains::set_target(domid_t number, domid_t target)
{
    auto domain = find(number);
    if (!domain || !introduced(target))
        return Error::noent;
    domain->connection.set_target(target);
    return {};
}

void Domains::hold_back(domid_t culprit, Identity victim)
{
    auto domain = culprit == control_domain || culprit == victim.domain ? nullptr : find(culprit);
    if (!domain)
        return;
    auto now = machine_.now_ms();
    if (now - domain->last_conflict_ms > quiet_ms)
        domain->conflicts = 0;
    domain->last_conflict_ms = now;
    domain->conflicts = std::min(domain->conflicts + 1, 16u);
    domain->held_until_ms = now + std::min(longest_hold_ms, std::uint64_t{1} << domain->conflicts);
}

void Domains::on_event(evtchn_port_t ours)
{
    for (auto &[number, domain] : domains_)
        if (domain->port == ours)
            domain->ready = true;
}

void Domains::on_domain_ended()
{
    bool told = false;
    for (auto at = domains_.begin(); at != domains_.end();) {
        auto state = at->first == control_domain ? Machine::DomainState::running : machine_.state_of(at->first);
        auto &domain = *at->second;
        if (state == Machine::DomainState::gone) {
            at = end(at);
            continue;
        }
        if (state == Machine::DomainState::shut_down && !domain.shut_down)
            domain.shut_down = told = true;
        ++at;
    }
    if (told)
        store_.announce_special(release_domain);
}

void Domains::cut_off(Domain &domain, Error error)
{
    log_.line("domain %u is cut off: %s", domain.number,
              error == Error::msgsize ? "it announced too long a message" : "the indices in its ring make no sense");
    domain.cut_off = true;
    domain.connection.reset();
    domain.ring.set_error(error == Error::msgsize ? XENSTORE_ERROR_PROTO : XENSTORE_ERROR_RINGIDX);
}

// True: there may be more at once.
bool Domains::serve_one(Domain &domain)
{
    if (domain.ring.wants_reconnection()) {
        domain.connection.reset();
        domain.ring.reconnect();
        domain.cut_off = false;
    }
    auto more = domain.cut_off ? Result<bool>{false} : domain.connection.step();
    if (!more.ok())
        cut_off(domain, more.error());
    if (domain.ring.take_moved())
        machine_.notify(domain.port);
    return more.value_or(false);
}

bool Domains::serve()
{
    bool more = false;
    auto now = machine_.now_ms();
    // A request may end domains, never begin one: so it goes by number.
    std::vector<domid_t> numbers;
    for (auto &[number, domain] : domains_)
        if ((domain->ready || domain->connection.has_output()) && domain->held_until_ms <= now)
            numbers.push_back(number);
    for (auto number : numbers)
        if (auto domain = find(number)) {
            domain->ready = false;
            if (serve_one(*domain)) {
                more = true;
                if (auto still = find(number))
                    still->ready = true;
            }
        }
    return more;
}

int Domains::wait_ms() const
{
    auto now = const_cast<Machine &>(machine_).now_ms();
    std::int64_t wait = -1;
    for (auto const &[number, domain] : domains_)
        if (domain->ready && domain->held_until_ms > now) {
            auto left = static_cast<std::int64_t>(domain->held_until_ms - now);
            wait = wait < 0 ? left : std::min(wait, left);
        }
    return static_cast<int>(wait);
}
}  // namespace xenstore
