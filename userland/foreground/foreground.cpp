// SPDX-License-Identifier: MIT
#include <cerrno>
#include <charconv>
#include <poll.h>
#include <pv/grant_table.h>
#include <unistd.h>
#include <userland/foreground/foreground.hpp>
#include <userland/toolstack/failure.hpp>

namespace {
// What the hypervisor takes for itself and the new domain's administration, and some to spare.
constexpr std::uint64_t kept_mb = 2;

void write_console(std::span<std::uint8_t const> bytes)
{
    while (!bytes.empty()) {
        auto n = write(1, bytes.data(), bytes.size());
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            fail("the console", last_error());
        bytes = bytes.subspan(n > 0 ? static_cast<std::size_t>(n) : 0);
    }
}
}  // namespace

Foreground::Foreground(GuestConfig config, bool whole_frames)
    : config_{std::move(config)}, whole_frames_{whole_frames}, events_{need(xen::EventChannels::open(), "/dev/xen/evtchn")}
{
    // As much as was asked for, or all that there is.
    auto free_mb = need(xen::machine_info(tools_.hypervisor), "the machine").free_pages >> 8;
    auto most = static_cast<std::uint32_t>(free_mb > kept_mb ? free_mb - kept_mb : 0);
    if (config_.memory_mb > most)
        config_.memory_mb = config_.max_memory_mb = most;
    need(tools_.store.watch("@releaseDomain", "end"), "a watch on the guest's end");
}

void Foreground::start()
{
    who_ = create_guest(tools_, config_, Start::paused);
    page_ = need(xen::map_granted(who_.domain, GNTTAB_RESERVED_CONSOLE), "the guest's console page");
    ring_.emplace(page_.page.as<xencons_interface>());
    auto port_text = need(tools_.store.read(home_of(who_.domain) + "/console/port"), "the guest's console port");
    evtchn_port_t theirs = 0;
    std::from_chars(port_text.data(), port_text.data() + port_text.size(), theirs);
    port_ = need(events_.bind_interdomain(who_.domain, theirs), "the guest's console port");
    need(xen::unpause_domain(tools_.hypervisor, who_.domain), "the guest does not start");
}

// Each frame with one write, so that no message of domain 0's kernel or of the hypervisor comes to stand in it.
void Foreground::pass_on(std::span<std::uint8_t const> bytes)
{
    if (!whole_frames_)
        return write_console(bytes);
    held_.insert(held_.end(), bytes.begin(), bytes.end());
    std::span<std::uint8_t const> left{held_};
    while (!left.empty()) {
        auto piece = lodger::piece_to_pass_on(left);
        if (piece == 0)
            break;
        write_console(left.first(piece));
        left = left.subspan(piece);
    }
    held_.erase(held_.begin(), held_.end() - static_cast<std::ptrdiff_t>(left.size()));
}

void Foreground::take_output()
{
    bool taken = false;
    for (;;) {
        char bytes[xen::ConsoleRing::out_bytes];
        auto n = need(ring_->take(bytes), "the guest's console page");
        if (n == 0)
            break;
        taken = true;
        events_.notify(port_);  // it may go on while we write
        pass_on({reinterpret_cast<std::uint8_t const *>(bytes), n});
    }
    if (taken)
        events_.notify(port_);
}

void Foreground::take_input()
{
    char bytes[xen::ConsoleRing::in_bytes];
    auto n = read(0, bytes, need(ring_->room(), "the guest's console page"));
    input_open_ = n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
    if (n <= 0)
        return;
    ring_->give({bytes, static_cast<std::size_t>(n)});
    events_.notify(port_);
}

bool Foreground::has_ended(std::uint32_t &reason)
{
    while (need(tools_.store.take_event(), "xenstored")) {}
    auto info = xen::domain_info(tools_.hypervisor, who_.domain);
    bool gone = !info.ok() || (info.value().flags & XEN_DOMINF_dying);
    if (!gone && !(info.value().flags & XEN_DOMINF_shutdown))
        return false;
    reason = gone ? SHUTDOWN_crash : info.value().flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    return true;
}

std::uint32_t Foreground::pass()
{
    for (;;) {
        bool typing = input_open_ && need(ring_->room(), "the guest's console page") != 0;
        pollfd fds[] = {{events_.fd(), POLLIN, 0}, {tools_.store.fd(), POLLIN, 0}, {typing ? 0 : -1, POLLIN, 0}};
        if (poll(fds, 3, tools_.store.has_event() ? 0 : -1) < 0 && errno != EINTR)
            fail("waiting for the guest", last_error());
        if (fds[0].revents)
            events_.take();
        take_output();
        if (fds[2].revents)
            take_input();
        std::uint32_t reason = 0;
        if ((fds[1].revents || tools_.store.has_event()) && has_ended(reason)) {
            take_output();
            write_console(held_);
            return reason;
        }
    }
}

std::uint32_t Foreground::run()
{
    for (;;) {
        start();
        auto reason = pass();
        events_.unbind(port_);
        ring_.reset();
        page_ = xen::GrantedPage{Fd{}, Mapping{}};
        if (xen::domain_info(tools_.hypervisor, who_.domain).ok())
            destroy_guest(tools_, who_.domain);
        if (reason != SHUTDOWN_reboot)
            return reason;
        held_.clear();
    }
}
