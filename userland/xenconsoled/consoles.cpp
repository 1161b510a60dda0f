// SPDX-License-Identifier: MIT
#include <charconv>
#include <cstdio>
#include <ctime>
#include <pv/grant_table.h>
#include <userland/common/folders.hpp>
#include <userland/common/system_error.hpp>
#include <userland/xen/domains.hpp>
#include <userland/xenconsoled/consoles.hpp>

namespace console {
namespace {
constexpr int patience_poll_ms = 500;  // how often a terminal is looked at whose reader may have gone

std::uint32_t number(Result<std::string> const &text)
{
    std::uint32_t n = 0;
    if (text.ok())
        std::from_chars(text.value().data(), text.value().data() + text.value().size(), n);
    return n;
}
}  // namespace

Result<std::unique_ptr<Consoles>> Consoles::open(Options options, std::string &where)
{
    where = "/dev/xen/privcmd";
    auto hypervisor = TRY(xen::Hypervisor::open());
    where = "/dev/xen/evtchn";
    auto events = TRY(xen::EventChannels::open());
    where = "xenstored";
    auto store = TRY(xen::Store::connect());
    TRY(store.watch("@introduceDomain", "scan"));
    TRY(store.watch("@releaseDomain", "scan"));
    TRY(store.write("/tool/xenconsoled", "running"));  // who makes guests waits for us
    if (!options.log_folder.empty()) {
        where = options.log_folder;
        TRY(make_folders(options.log_folder));
    }
    return std::unique_ptr<Consoles>{
        new Consoles{std::move(options), std::move(hypervisor), std::move(events), std::move(store)}};
}

std::uint64_t Consoles::now_ms() const
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

bool Consoles::is_running(domid_t domain)
{
    auto info = xen::domain_info(hypervisor_, domain);
    return info.ok() && !(info.value().flags & XEN_DOMINF_dying);
}

Result<xen::GrantedPage> Consoles::map_page(domid_t domain, std::string const &home)
{
    auto page = xen::map_granted(domain, GNTTAB_RESERVED_CONSOLE);
    if (page.ok())
        return page;
    xen_pfn_t const frame[] = {number(store_.read(home + "/console/ring-ref"))};
    return xen::GrantedPage{Fd{}, TRY(hypervisor_.map_foreign(domain, frame, PROT_READ | PROT_WRITE))};
}

// Names come from domain 0's toolstack; none of them leads out of the folder all the same.
LogFile Consoles::log_for(domid_t domain, std::string const &home)
{
    if (options_.log_folder.empty())
        return {};
    auto name = store_.read(home + "/name").value_or(std::to_string(domain));
    for (auto &c : name)
        if (c == '/' || c == '\0')
            c = '_';
    return {options_.log_folder + "/guest-" + name + ".log", options_.log_bytes};
}

void Consoles::add(domid_t domain)
{
    auto home = "/local/domain/" + std::to_string(domain);
    auto remote_port = number(store_.read(home + "/console/port"));
    if (remote_port == 0 || store_.read(home + "/console/type").value_or("xenconsoled") != "xenconsoled")
        return;
    auto complain = [&](char const *what, Error error) {
        std::fprintf(stderr, "xenconsoled: domain %u: %s: %s\n", domain, what, text_of(error));
    };
    auto page = map_page(domain, home);
    if (!page.ok())
        return complain("its console page", page.error());
    auto terminal = Terminal::open();
    if (!terminal.ok())
        return complain("a terminal for it", terminal.error());
    auto port = events_.bind_interdomain(domain, remote_port);
    if (!port.ok())
        return complain("its console's event channel", port.error());
    auto shared = page.value().page.as<xencons_interface>();
    int fd = terminal.value().fd();
    auto guest = std::unique_ptr<Guest>(new Guest{domain, remote_port, port.value(), page.take(), terminal.take(),
                                                  GuestConsole{shared, fd, log_for(domain, home)}});
    auto name = guest->terminal.name();
    guests_.emplace(domain, std::move(guest));
    if (auto written = store_.write(home + "/console/tty", name); !written.ok())
        complain("its terminal's name cannot be written into xenstore", written.error());
}

void Consoles::remove(domid_t domain)
{
    auto at = guests_.find(domain);
    at->second->console.drain(now_ms());
    events_.unbind(at->second->port);
    guests_.erase(at);
}

Result<> Consoles::rescan()
{
    for (auto at = guests_.begin(); at != guests_.end();) {
        auto domain = at++->first;
        if (!is_running(domain))
            remove(domain);
    }
    std::erase_if(given_up_, [&](domid_t domain) { return !is_running(domain); });
    for (auto const &name : TRY(store_.directory("/local/domain"))) {
        domid_t domain = 0;
        std::from_chars(name.data(), name.data() + name.size(), domain);
        if (domain != 0 && !guests_.contains(domain) && !given_up_.contains(domain) && is_running(domain))
            add(domain);
    }
    return {};
}

// Fills fds_; gives the time to wait.
int Consoles::prepare()
{
    auto now = now_ms();
    int wait = -1;
    fds_.assign({{store_.fd(), POLLIN, 0}, {events_.fd(), POLLIN, 0}});
    for (auto &[domain, guest] : guests_) {
        auto const &c = guest->console;
        auto wanted = static_cast<short>((c.wants_input() ? POLLIN : 0) | (c.has_output() ? POLLOUT : 0));
        guest->slot = wanted ? static_cast<int>(fds_.size()) : -1;
        if (wanted)
            fds_.push_back({guest->terminal.fd(), wanted, 0});
        if (c.waits_for_period(pace_))
            wait = pace_.wait_ms(now);
        else if (wait < 0 && c.waits_for_terminal())
            wait = patience_poll_ms;
    }
    return wait;
}

Result<> Consoles::take()
{
    if (fds_[1].revents)
        for (auto port : events_.take())
            for (auto &[domain, guest] : guests_)
                if (guest->port == port)
                    guest->console.on_event();
    for (auto &[domain, guest] : guests_)
        if (guest->slot >= 0) {
            auto happened = fds_[static_cast<std::size_t>(guest->slot)].revents;
            guest->console.on_terminal(happened & POLLIN, happened & POLLOUT);
        }
    // More events may come while a scan waits for its replies; poll(2) would not tell of them.
    for (bool scan = false;; scan = false) {
        while (TRY(store_.take_event()))
            scan = true;
        if (!scan)
            return {};
        TRY(rescan());
    }
}

void Consoles::step_all()
{
    auto now = now_ms();
    bool period = pace_.tick(now);
    std::vector<domid_t> broken;
    for (auto &[domain, guest] : guests_) {
        if (period)
            guest->console.on_period();
        auto moved = guest->console.step(pace_, now);
        if (!moved.ok())
            broken.push_back(domain);
        else if (moved.value())
            events_.notify(guest->port);
    }
    for (auto domain : broken) {
        std::fprintf(stderr, "xenconsoled: domain %u: the indices in its console page make no sense: it is not read on\n",
                     domain);
        events_.unbind(guests_.at(domain)->port);
        guests_.erase(domain);
        given_up_.insert(domain);
    }
}

Result<> Consoles::round()
{
    int wait = prepare();
    poll(fds_.data(), fds_.size(), wait);
    TRY(take());
    step_all();
    return {};
}
}  // namespace console
