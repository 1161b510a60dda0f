// SPDX-License-Identifier: MIT
#include <chrono>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <userland/common/folders.hpp>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/monitor.hpp>

namespace {
using Clock = std::chrono::steady_clock;

// A domain that ends so soon after its start, so often in a row, is not started again.
constexpr auto too_soon = std::chrono::seconds{5};
constexpr unsigned too_often = 3;

char const *name_of_reason(std::uint32_t reason)
{
    static constexpr char const *names[] = {"powered off", "asked for a reboot",          "suspended itself",
                                            "crashed",     "was stopped by its watchdog", "asked for a soft reset"};
    return reason < std::size(names) ? names[reason] : "ended";
}

class Monitor {
public:
    Monitor(GuestConfig config, GuestIdentity const &who) : config_{std::move(config)}, who_{who} {}

    void run()
    {
        need(tools_.store.watch("@releaseDomain", "monitor"), "a watch on the domain's end");
        for (bool goes_on = true; goes_on;) {
            wait();
            goes_on = look();
        }
    }

private:
    void log(char const *format, ...) __attribute__((format(printf, 2, 3)))
    {
        std::va_list arguments;
        va_start(arguments, format);
        std::fprintf(stderr, "pvctl: %s (domain %u): ", config_.name.c_str(), who_.domain);
        std::vfprintf(stderr, format, arguments);
        std::fputc('\n', stderr);
        va_end(arguments);
    }

    void wait()
    {
        (void)tools_.store.wait(-1);
        while (need(tools_.store.take_event(), "xenstored")) {}
    }

    // False: there is nothing to wait for any more.
    bool look()
    {
        auto info = xen::domain_info(tools_.hypervisor, who_.domain);
        if (!info.ok() || (info.value().flags & XEN_DOMINF_dying))
            return false;  // somebody has destroyed it
        if (!(info.value().flags & XEN_DOMINF_shutdown))
            return true;
        auto reason = info.value().flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
        log("%s", name_of_reason(reason));
        return act(action_for(reason));
    }

    Action action_for(std::uint32_t reason) const
    {
        auto const &a = config_.actions;
        switch (reason) {
        case SHUTDOWN_poweroff: return a.poweroff;
        case SHUTDOWN_reboot: return a.reboot;
        case SHUTDOWN_watchdog: return a.watchdog;
        case SHUTDOWN_suspend: return Action::preserve;
        default: return a.crash;
        }
    }

    bool act(Action action)
    {
        if (action == Action::preserve)
            return false;
        if (action == Action::rename_restart) {
            auto path = home_of(who_.domain) + "/name";
            need(tools_.store.write(path, config_.name + "-" + std::to_string(who_.domain)), path);
        } else {
            config_.name = name_of(tools_.store, who_.domain);  // it may have got another since
            destroy_guest(tools_, who_.domain);
        }
        return action != Action::destroy && start_again(action);
    }

    bool start_again(Action action)
    {
        auto now = Clock::now();
        soon_ = now - started_ < too_soon ? soon_ + 1 : 0;
        if (soon_ >= too_often) {
            log("ended %u times within seconds of its start: it is not started again", soon_);
            return false;
        }
        auto config = config_;
        if (action != Action::rename_restart)
            config.uuid = who_.uuid;
        who_ = create_guest(tools_, config, Start::running);
        started_ = now;
        return true;
    }

    GuestConfig config_;
    GuestIdentity who_;
    Toolstack tools_;
    Clock::time_point started_ = Clock::now();
    unsigned soon_ = 0;
};

void leave_caller()
{
    setsid();
    prctl(PR_SET_NAME, "pvctl-monitor");
    std::signal(SIGHUP, SIG_IGN);
    (void)make_folders("/var/log/xen").ok();
    int nothing = open("/dev/null", O_RDWR), log = open("/var/log/xen/pvctl.log", O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(nothing, 0);
    dup2(nothing, 1);
    dup2(log >= 0 ? log : nothing, 2);
    for (int fd : {nothing, log})
        if (fd > 2)
            close(fd);
    if (chdir("/") != 0)
        std::perror("pvctl: /");
}
}  // namespace

void start_monitor(GuestConfig const &config, GuestIdentity const &who)
{
    pid_t child = fork();
    if (child < 0)
        fail("no process can be started that waits for the domain's end", last_error());
    if (child != 0)
        return;
    leave_caller();
    try {
        Monitor{config, who}.run();
    } catch (std::exception const &error) {
        std::fprintf(stderr, "pvctl: %s: %s\n", config.name.c_str(), error.what());
    }
    _exit(0);
}
