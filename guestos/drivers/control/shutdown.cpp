// SPDX-License-Identifier: MIT
// What the toolstack asks an unprivileged domain to do: it writes a word to control/shutdown, we write the empty string back to say
// that it was read, and act. Shutting down is process 1's business; it gets the signal that poweroff(8), reboot(8) and halt(8)
// of busybox send it. Where process 1 does not listen for it, the kernel ends the domain itself.
#include <arch/driver.hpp>
#include <arch/platform.hpp>
#include <kernel/log.hpp>
#include <kernel/process/process.hpp>
#include <pvlib/device/store.hpp>
#include <pvlib/shared.hpp>

namespace {
constexpr xenbus::Node node{"control", "shutdown"};
constexpr int sig_usr1 = 10, sig_usr2 = 12, sig_term = 15;

struct Request {
    std::string_view word;
    int signal;
    void (*itself)();  // the kernel's own way; null: it cannot be done
};
void power_off() { arch::power_off(0); }
void reboot() { arch::reboot(); }
constexpr Request requests[] = {
    {"poweroff", sig_usr2, power_off},
    {"halt", sig_usr1, power_off},
    {"reboot", sig_term, reboot},
};

bool listens(kernel::Process &init, int signal)
{
    auto handler = init.handlers->action[signal - 1].handler;
    bool waits = init.leader && (init.leader->signals.mask >> (signal - 1) & 1) != 0;  // sigwait(3), signalfd(2)
    return handler > 1 || waits;
}

void act(Request const &r)
{
    auto init = kernel::find_process(1);
    if (init && init->handlers && listens(*init, r.signal)) {
        kernel::log("control: %.*s", static_cast<int>(r.word.size()), r.word.data());
        (void)kernel::send_signal(*init, kernel::SignalInfo::kernel(r.signal));
        return;
    }
    kernel::log("<4>control: %.*s: process 1 does not listen, so the kernel does it", static_cast<int>(r.word.size()),
                r.word.data());
    r.itself();
}

// In a transaction, so that a word that comes meanwhile is not overwritten unread.
Result<xenbus::Text> take_word()
{
    xenbus::Text word;
    TRY(xenbus::transact([&](xenbus::Tx tx) -> Result<> {
        word = TRY(xenbus::read(node, tx));
        return word.size() ? xenbus::write(node, "", tx) : Result<>{};
    }));
    return word;
}

void changed(void *, std::string_view)
{
    auto word = take_word();
    if (!word.ok() || word.value().size() == 0)  // no such node, or our own answer
        return;
    for (auto const &r : requests)
        if (r.word == word.value().view())
            return act(r);
    kernel::log("<4>control: %s is refused: only poweroff, halt and reboot can be done here", word.value().c_str());
}

// Which words are understood: the toolstack may look first.
void announce(void *)
{
    for (auto name : {"feature-poweroff", "feature-halt", "feature-reboot"})
        (void)xenbus::write_number({"control", name}, 1);
}

void start()
{
    if (pv::is_initial_domain())
        return;
    static constinit xenbus::WatchThreadWork work{announce, nullptr};
    auto watch = new (std::nothrow) xenbus::Watch{changed, nullptr};  // for good
    auto started = watch ? watch->start_soon(node) : Result<>{Error::nomem};
    if (!started.ok())
        kernel::log("<3>control: requests of the toolstack are not heard: error %d", to_errno(started));
    xenbus::on_watch_thread(work);
}
DRIVER(control, start);
}  // namespace
