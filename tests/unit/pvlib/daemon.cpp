// SPDX-License-Identifier: MIT
#include "daemon.hpp"

void Daemon::start(xenstore_domain_interface *p, unsigned port)
{
    page = p;
    guests_port = port;
    world::outside = [this] { return work(); };
}

bool Daemon::work()
{
    bool any = false;
    while (page->req_cons != page->req_prod) {
        in_.push_back(page->req[MASK_XENSTORE_IDX(page->req_cons++)]);
        any = true;
    }
    while (!silent && in_.size() >= sizeof(xsd_sockmsg)) {
        xsd_sockmsg h;
        std::memcpy(&h, in_.data(), sizeof h);
        if (in_.size() < sizeof h + h.len)
            break;
        auto payload = in_.substr(sizeof h, h.len);
        in_.erase(0, sizeof h + h.len);
        auto shown = payload;
        for (auto &c : shown)
            c = c ? c : '|';
        requests.push_back(std::to_string(h.type) + " " + shown);
        if (!instead || !instead(h, payload))
            handle(h, payload);
        any = true;
    }
    while (!out_.empty() && page->rsp_prod - page->rsp_cons < XENSTORE_RING_SIZE) {
        page->rsp[MASK_XENSTORE_IDX(page->rsp_prod++)] = out_.front();
        out_.erase(0, 1);
        any = true;
    }
    if (any)
        hypervisor::send(guests_port);
    return any;
}

void Daemon::raw(std::string const &bytes) { out_ += bytes; }

void Daemon::reply(xsd_sockmsg h, std::uint32_t type, std::string const &payload)
{
    h.type = type;
    h.len = static_cast<std::uint32_t>(payload.size());
    out_ += std::string{reinterpret_cast<char *>(&h), sizeof h} + payload;
}

static std::string first_string(std::string const &s) { return s.substr(0, s.find('\0')); }

void Daemon::fire(std::string const &path)
{
    for (auto const &[watched, token] : watches)
        if (path == watched || path.compare(0, watched.size() + 1, watched + "/") == 0)
            reply({0, 0, 0, 0}, XS_WATCH_EVENT, path + '\0' + token + '\0');
}

void Daemon::set(std::string const &path, std::string const &value)
{
    nodes[path] = value;
    fire(path);
}

// Whoever watches something below hears of it too.
void Daemon::remove(std::string const &path)
{
    std::vector<std::string> gone;
    for (auto const &[name, value] : nodes)
        if (name == path || name.compare(0, path.size() + 1, path + "/") == 0)
            gone.push_back(name);
    for (auto const &name : gone)
        nodes.erase(name);
    fire(path);
    for (auto const &name : gone)
        if (name != path)
            fire(name);
}

bool Daemon::exists(std::string const &path) const
{
    auto at = nodes.lower_bound(path);
    return at != nodes.end() && (at->first == path || at->first.compare(0, path.size() + 1, path + "/") == 0);
}

std::string Daemon::children(std::string const &path) const
{
    std::set<std::string> names;
    for (auto const &[name, value] : nodes)
        if (name.compare(0, path.size() + 1, path + "/") == 0)
            names.insert(name.substr(path.size() + 1, name.find('/', path.size() + 1) - path.size() - 1));
    std::string all;
    for (auto const &n : names)
        all += n + '\0';
    return all;
}

unsigned Daemon::count(std::string const &beginning) const
{
    unsigned n = 0;
    for (auto const &r : requests)
        n += r.compare(0, beginning.size(), beginning) == 0;
    return n;
}

void Daemon::handle(xsd_sockmsg const &h, std::string const &payload)
{
    auto path = first_string(payload), rest = payload.size() > path.size() ? payload.substr(path.size() + 1) : "";
    std::string const ok = std::string{"OK"} + '\0';
    switch (h.type) {
    case XS_READ:
        if (!exists(path))
            return error(h, "ENOENT");
        return reply(h, h.type, nodes.count(path) ? nodes[path] : "");
    case XS_DIRECTORY: return exists(path) ? reply(h, h.type, children(path)) : error(h, "ENOENT");
    case XS_WRITE: reply(h, h.type, ok); return set(path, rest);
    case XS_RM:
        if (!exists(path))
            return error(h, "ENOENT");
        reply(h, h.type, ok);
        return remove(path);
    case XS_WATCH:
        watches.push_back({path, first_string(rest)});
        reply(h, h.type, ok);
        return reply({0, 0, 0, 0}, XS_WATCH_EVENT, payload);
    case XS_UNWATCH:
        for (auto at = watches.begin(); at != watches.end(); ++at)
            if (at->first == path && at->second == first_string(rest)) {
                watches.erase(at);
                return reply(h, h.type, ok);
            }
        return error(h, "ENOENT");
    case XS_TRANSACTION_START: return reply(h, h.type, std::string{"17"} + '\0');
    case XS_TRANSACTION_END:
        if (payload[0] == 'T' && again) {
            --again;
            return error(h, "EAGAIN");
        }
        return reply(h, h.type, ok);
    default: return error(h, "ENOSYS");
    }
}
