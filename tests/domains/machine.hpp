// SPDX-License-Identifier: MIT
// A machine with domains, at whose console, domain 0's, somebody works with pvctl.
#pragma once
#include <console.hpp>
#include <cstdint>
#include <map>

// `make run` with these variables.
std::vector<std::string> run_command_line(std::vector<std::string> const &variables);

constexpr char leave_console[] = "\x1d";  // Ctrl-]

class Machine {
public:
    // Up to domain 0's prompt, without a first guest; the test's guests are there.
    // `more`: further variables of make run, which has no network else.
    explicit Machine(unsigned memory_mb, unsigned dom0_mb = 80, std::vector<std::string> const &more = {"NET=0"});

    // What a command printed, without the lines of the hypervisor, which come at any time.
    std::string ask(std::string const &command, double seconds = 60);
    // What pvctl printed; a failed REQUIRE if its status is another.
    std::string pvctl(std::string const &arguments, int status = 0, double seconds = 60);
    // True once the shell's condition holds, which is looked at ten times a second.
    bool wait(std::string const &condition, unsigned seconds = 30);
    bool log_has(std::string const &domain, std::string const &text, unsigned seconds = 30);
    std::string log(std::string const &domain) { return ask("cat /var/log/xen/console/guest-" + domain + ".log"); }

    // Goes to a domain's console, whose shell runs this, and comes back. What it printed.
    std::string ask_guest(std::string const &domain, std::string const &command, double seconds = 60);
    bool starts_shell(std::string const &domain);  // its console shows a prompt; once for each domain, before ask_guest()

    // What the hypervisor says that there is: free frames, other domains, what it keeps for them, frames of dead ones. Four lines.
    std::string resources();
    // They come to be so within seconds: daemons let go of a domain after its end.
    bool resources_become(std::string const &before);
    std::string heap() { return pvctl("counters | grep '^hypervisor heap'"); }  // some of it is domain 0's own
    std::map<std::string, std::uint64_t> processor_ns();  // of each domain, by name, since it began
    std::string const &transcript() const { return console_.transcript(); }
    void power_off();

private:
    Console console_;
};
