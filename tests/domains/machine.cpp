// SPDX-License-Identifier: MIT
#include "machine.hpp"
#include <catch2/catch.hpp>
#include <paths.hpp>
#include <regex>

std::vector<std::string> run_command_line(std::vector<std::string> const &variables)
{
    std::vector<std::string> command{
        "env", "-u",          "MAKEFLAGS",           "-u", "MFLAGS", "-u", "MAKELEVEL", "make", "--no-print-directory",
        "-C",  LODGER_SOURCE, "BUILD=" LODGER_BUILD, "run"};
    command.insert(command.end(), variables.begin(), variables.end());
    return command;
}

namespace {
std::vector<std::string> variables(unsigned memory_mb, unsigned dom0_mb, std::vector<std::string> const &more)
{
    std::vector<std::string> all{"MEMORY=" + std::to_string(memory_mb), "DOM0_MEMORY=" + std::to_string(dom0_mb),
                                 "DOM0=" + built("tests/domains/dom0.cpio"), "ARGS=noguest"};
    all.insert(all.end(), more.begin(), more.end());  // of two for the same the last counts
    return all;
}
}  // namespace

Machine::Machine(unsigned memory_mb, unsigned dom0_mb, std::vector<std::string> const &more)
    : console_{run_command_line(variables(memory_mb, dom0_mb, more))}
{
    INFO(transcript());
    REQUIRE(console_.use_shell());
    ask("stty cols 500");  // no command of ours is shown in two lines
}

std::string Machine::ask(std::string const &command, double seconds)
{
    static std::regex const of_hypervisor{"\\(hv\\) [^\n]*\n"};
    return std::regex_replace(console_.command(command, seconds), of_hypervisor, "");
}

std::string Machine::pvctl(std::string const &arguments, int status, double seconds)
{
    auto text = ask("pvctl " + arguments + "; echo status $?", seconds);
    auto end = text.rfind("status ");
    INFO("pvctl " << arguments << "\n" << text);
    REQUIRE(end != text.npos);
    REQUIRE(text.substr(end) == "status " + std::to_string(status) + "\n");
    return text.substr(0, end);
}

bool Machine::wait(std::string const &condition, unsigned seconds)
{
    auto text = ask("n=0; until " + condition + "; do n=$((n + 1)); [ $n -gt " + std::to_string(seconds * 10)
                        + " ] && echo never && break; sleep 0.1; done",
                    seconds * 4 + 30);
    return text.find("never\n") == text.npos;
}

bool Machine::log_has(std::string const &domain, std::string const &text, unsigned seconds)
{
    return wait("grep -q '" + text + "' /var/log/xen/console/guest-" + domain + ".log 2>/dev/null", seconds);
}

bool Machine::starts_shell(std::string const &domain)
{
    console_.enter("pvctl console " + domain);
    bool prompt = console_.wait_for("# ", 60);
    console_.enter("PS1='re''ady> '");
    prompt = prompt && console_.wait_for("ready> ", 60);
    console_.command("stty cols 500");
    console_.type(leave_console);
    return prompt && console_.wait_for("ready> ");
}

std::string Machine::ask_guest(std::string const &domain, std::string const &command, double seconds)
{
    console_.enter("pvctl console " + domain);
    console_.enter("");
    console_.wait_for("ready> ", seconds);
    auto text = console_.command(command, seconds);
    console_.type(leave_console);
    console_.wait_for("ready> ");
    return text;
}

std::string Machine::resources()
{
    return pvctl("counters | grep -e '^free frames' -e '^unprivileged' -e '^state bytes' -e "
                 "'^frames of dead'");
}

bool Machine::resources_become(std::string const &before)
{
    auto now = resources();
    for (int tries = 0; now != before && tries < 20; ++tries) {
        ask("sleep 0.2");
        now = resources();
    }
    UNSCOPED_INFO("before:\n" << before << "now:\n" << now);
    return now == before;
}

std::map<std::string, std::uint64_t> Machine::processor_ns()
{
    std::map<std::string, std::uint64_t> found;
    auto text = pvctl("list --json");
    std::regex const domain{"\"name\": \"([^\"]*)\"[^}]*\"cpu_ns\": ([0-9]+)"};
    for (std::sregex_iterator at{text.begin(), text.end(), domain}, end; at != end; ++at)
        found[(*at)[1]] = std::stoull((*at)[2]);
    return found;
}

void Machine::power_off()
{
    console_.enter("poweroff");
    CHECK(console_.wait_for_end(60) == 0);
}
