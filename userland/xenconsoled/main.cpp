// SPDX-License-Identifier: MIT
// xenconsoled: one log and one terminal for each guest's console.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <getopt.h>
#include <userland/common/daemon.hpp>
#include <userland/common/system_error.hpp>
#include <userland/xenconsoled/consoles.hpp>

namespace {
struct Options {
    console::Options consoles{.log_folder = "/var/log/xen/console"};
    std::string pid_file;
    bool daemon = false;
};

void print_usage()
{
    std::puts("Usage: xenconsoled [OPTIONS]\n"
              "Gives each guest's console a log and a terminal (pvctl console).\n\n"
              "  --daemon          return when it is ready\n"
              "  --pid-file FILE   where to write its process number\n"
              "  --log-dir DIR     where the logs go (/var/log/xen/console); \"\" for none\n"
              "  --log-size KB     size of a log before it becomes NAME.log.1 (256)");
}

[[noreturn]] void refuse(std::string const &what, std::string const &why)
{
    std::fprintf(stderr, "xenconsoled: %s: %s\n", what.c_str(), why.c_str());
    std::exit(1);
}

Options parse(int argc, char **argv)
{
    enum { help = 'h', daemon = 256, pid_file, log_folder, log_size };
    option const known[] = {{"help", no_argument, nullptr, help},
                            {"daemon", no_argument, nullptr, daemon},
                            {"pid-file", required_argument, nullptr, pid_file},
                            {"log-dir", required_argument, nullptr, log_folder},
                            {"log-size", required_argument, nullptr, log_size},
                            {}};
    Options o;
    for (int c; (c = getopt_long(argc, argv, "h", known, nullptr)) != -1;)
        switch (c) {
        case help: print_usage(); std::exit(0);
        case daemon: o.daemon = true; break;
        case pid_file: o.pid_file = optarg; break;
        case log_folder: o.consoles.log_folder = optarg; break;
        case log_size:
            o.consoles.log_bytes = std::strtoul(optarg, nullptr, 10) << 10;
            if (o.consoles.log_bytes < 4096)
                refuse(optarg, "a log has to have at least 4 KB");
            break;
        default: std::exit(2);
        }
    if (optind != argc)
        refuse(argv[optind], "no such argument; xenconsoled --help lists the options");
    return o;
}
}  // namespace

int main(int argc, char **argv)
{
    auto options = parse(argc, argv);
    Daemon daemon{options.daemon};
    std::string where;
    auto consoles = console::Consoles::open(options.consoles, where);
    if (!consoles.ok())
        refuse(where, std::string{text_of(consoles.error())} + "; it runs in domain 0 and needs xenstored");
    if (!daemon.ready(options.pid_file))
        refuse(options.pid_file, std::strerror(errno));
    for (;;)
        if (auto result = consoles.value()->round(); !result.ok())
            refuse("xenstored has gone", text_of(result.error()));
}
