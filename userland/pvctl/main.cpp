// SPDX-License-Identifier: MIT
// pvctl: makes, shows and ends domains; the control domain's tool for administrators.
#include <CLI/CLI.hpp>
#include <iostream>
#include <userland/pvctl/commands.hpp>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/guest_config.hpp>

namespace {
using namespace pvctl;

// One command: its line, and what it does when it was chosen.
struct Command {
    CLI::App *line;
    std::function<int()> run;
};

class Commands {
public:
    explicit Commands(CLI::App &app) : app_{app} {}
    CLI::App &add(char const *name, char const *text, std::function<int()> run)
    {
        auto line = app_.add_subcommand(name, text);
        all_.push_back({line, std::move(run)});
        return *line;
    }
    int run() const
    {
        for (auto const &command : all_)
            if (command.line->parsed())
                return command.run();
        return 1;
    }

private:
    CLI::App &app_;
    std::vector<Command> all_;
};

// What options of all commands are kept in.
struct Given {
    CreateOptions create;
    TopOptions top;
    Names domains;
    std::string domain, name, kernel, disk;
    std::optional<std::uint32_t> weight, cap;
    std::uint32_t megabytes = 0, nic = 0;
    double timeout = 60;
    bool json = false, wait = false, clear = false;
};

void add_making_and_ending(Commands &commands, Given &g)
{
    auto &create_line = commands.add("create", "Make a domain from a guest file",
                                     [&] { return pvctl::create(g.create); });
    create_line.add_option("file", g.create.file, "The guest file (as xl.cfg(5) has them)")->required();
    create_line.add_option("settings", g.create.settings, "KEY=VALUE over the file's, such as memory=64")
        ->type_name("KEY=VALUE");
    create_line.add_flag("-c,--console", g.create.console, "Stay at its console; Ctrl-] leaves it");
    create_line.add_flag("-p,--paused", g.create.paused, "Leave it paused");
    create_line.add_flag("--json", g.create.json, "Print its number and names");
    create_line.footer("Keys of guest files: " + guest_file_keys());
    auto several = [&](CLI::App &line) { line.add_option("domain", g.domains, "Names or numbers")->required(); };
    several(commands.add("destroy", "End domains at once", [&] { return pvctl::destroy(g.domains); }));
    several(commands.add("pause", "Stop domains from running", [&] { return pvctl::pause(g.domains); }));
    several(commands.add("unpause", "Let paused domains run", [&] { return pvctl::unpause(g.domains); }));
    for (auto [name, text, what] : {std::tuple{"shutdown", "Ask domains to power off", "poweroff"},
                                    std::tuple{"reboot", "Ask domains to start again", "reboot"}}) {
        auto &line = commands.add(name, text,
                                  [&g, what = what] { return pvctl::shut_down(g.domains, what, g.wait, g.timeout); });
        several(line);
        line.add_flag("-w,--wait", g.wait, "Return when they have");
        line.add_option("--timeout", g.timeout, "With --wait: at most so long")->type_name("S")->capture_default_str();
    }
    auto &rename_line = commands.add("rename", "Give a domain another name",
                                     [&] { return pvctl::rename(g.domain, g.name); });
    rename_line.add_option("domain", g.domain, "Name or number")->required();
    rename_line.add_option("name", g.name, "The new name")->required();
}

void add_showing(Commands &commands, Given &g)
{
    auto json = [&](CLI::App &line) { line.add_flag("--json", g.json, "Print JSON"); };
    auto &list_line = commands.add("list", "Show domains", [&] { return pvctl::list(g.domains, g.json); });
    list_line.add_option("domain", g.domains, "Names or numbers; all if there is none");
    json(list_line);
    auto &top_line = commands.add("top", "Show what domains do with the processor, live",
                                  [&] { return g.top.json = g.json, pvctl::top(g.top); });
    top_line.add_option("-d,--delay", g.top.seconds, "Between two looks")
        ->type_name("S")
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str();
    top_line.add_option("-i,--iterations", g.top.rounds, "So many looks")->type_name("N");
    top_line.add_option("-s,--sort", g.top.order, "cpu, memory, name or time")
        ->check(CLI::IsMember({"cpu", "memory", "name", "time"}));
    top_line.add_flag("-b,--batch", g.top.batch, "One table after the other, for a file");
    json(top_line);
    json(commands.add("info", "Show the machine", [&] { return pvctl::machine_info(g.json); }));
    json(commands.add("counters", "Show what the hypervisor has counted: its memory, domains, and domain 0's calls",
                      [&] { return pvctl::counters(g.json); }));
    auto &dmesg_line = commands.add("dmesg", "Show the hypervisor's messages", [&] { return pvctl::messages(g.clear); });
    dmesg_line.add_flag("-c,--clear", g.clear, "and forget them");
    auto &dump_line = commands.add("dump", "Show a domain's registers, calls and stack",
                                   [&] { return pvctl::dump(g.domain, g.kernel, g.json); });
    dump_line.add_option("domain", g.domain, "Name or number")->required();
    dump_line.add_option("-k,--kernel", g.kernel,
                         "File with its kernel's symbols, if that is not the one it was made from");
    json(dump_line);
}

void add_disks(Commands &commands, Given &g)
{
    auto of_domain = [&](CLI::App &line) -> CLI::App & {
        line.add_option("domain", g.domain, "Name or number")->required();
        return line;
    };
    auto named = [&](CLI::App &line) {
        of_domain(line).add_option("disk", g.disk, "As the guest file names it: xvda")->required();
    };
    of_domain(commands.add("block-attach", "Give a running domain another disk",
                           [&] { return pvctl::attach_disk(g.domain, g.disk); }))
        .add_option("disk", g.disk, "TARGET,raw,VDEV,ACCESS, as guest files have it")
        ->required();
    named(commands.add("block-detach", "Take a disk away from a running domain",
                       [&] { return pvctl::detach_disk(g.domain, g.disk); }));
    named(commands.add("block-restart", "End domain 0's side of a disk, and begin it anew",
                       [&] { return pvctl::restart_disk(g.domain, g.disk); }));
    of_domain(commands.add("block-list", "Show a domain's disks", [&] {
        return pvctl::list_disks(g.domain, g.json);
    })).add_flag("--json", g.json, "Print JSON");
}

void add_nics(Commands &commands, Given &g)
{
    auto of_domain = [&](CLI::App &line) -> CLI::App & {
        line.add_option("domain", g.domain, "Name or number")->required();
        return line;
    };
    of_domain(commands.add("network-restart", "End domain 0's side of a network interface, and begin it anew", [&] {
        return pvctl::restart_nic(g.domain, g.nic);
    })).add_option("devid", g.nic, "The interface's number, as network-list has it; 0 if it is left out");
    of_domain(commands.add("network-list", "Show a domain's network interfaces", [&] {
        return pvctl::list_nics(g.domain, g.json);
    })).add_flag("--json", g.json, "Print JSON");
}

void add_changing(Commands &commands, Given &g)
{
    commands.add("console", "Sit at a domain's console; Ctrl-] leaves it", [&] { return pvctl::console(g.domain); })
        .add_option("domain", g.domain, "Name or number")
        ->required();
    auto &memory_line = commands.add("mem-set", "Set how much memory a domain's balloon leaves to it",
                                     [&] { return pvctl::set_memory(g.domain, g.megabytes); });
    memory_line.add_option("domain", g.domain, "Name or number")->required();
    memory_line.add_option("megabytes", g.megabytes, "Megabytes")->required()->check(CLI::Range(1u, 4096u));
    auto &sched_line = commands.add("sched", "Show or set domains' shares of the processor",
                                    [&] { return pvctl::schedule(g.domain, g.weight, g.cap, g.json); });
    sched_line.add_option("domain", g.domain, "Name or number; all if there is none");
    sched_line.add_option("-w,--weight", g.weight, "Share against others; 256 is usual")->check(CLI::Range(1u, 65535u));
    sched_line.add_option("-c,--cap", g.cap, "At most so much of a processor, in per cent; 0: no cap")
        ->check(CLI::Range(0u, 65535u));
    sched_line.add_flag("--json", g.json, "Print JSON");
}
}  // namespace

int main(int argc, char **argv)
{
    Given given;
    CLI::App app{"Makes, shows and ends domains."};
    app.name("pvctl");
    app.require_subcommand(1);
    Commands commands{app};
    add_making_and_ending(commands, given);
    add_showing(commands, given);
    add_disks(commands, given);
    add_nics(commands, given);
    add_changing(commands, given);
    CLI11_PARSE(app, argc, argv);
    try {
        return commands.run();
    } catch (std::exception const &error) {
        std::cerr << "pvctl: " << error.what() << '\n';
        return 1;
    }
}
