// SPDX-License-Identifier: MIT
// xenstored: the control domain's store of names and values, through which domains and tools find each other.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <getopt.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <userland/common/daemon.hpp>
#include <userland/common/system_error.hpp>
#include <userland/xenstored/server.hpp>

namespace {
using namespace xenstore;

struct Options {
    std::string folder, log_file, pid_file;
    bool daemon = false, sockets_only = false, trace = false;
    Limits limits;
};

void print_usage()
{
    std::puts("Usage: xenstored [OPTIONS]\n"
              "Keeps the store of names and values that domains and tools share.\n\n"
              "  --daemon           return when it is ready to serve\n"
              "  --pid-file FILE    where to write its process number\n"
              "  --socket-dir DIR   where its sockets are (/run/xenstored, or $XENSTORED_RUNDIR)\n"
              "  --log FILE         messages go there, not to standard error\n"
              "  --trace            log each request\n"
              "  --sockets-only     serve programs only, no domains: needs no hypervisor\n"
              "  --quota NAME=N     what a domain may have, at most:");
    for (auto const &limit : Limits{})
        std::printf("                       %-18s %8u  %s\n", limit.name, Limits{}.*limit.value, limit.meaning);
}

[[noreturn]] void refuse(char const *what, char const *remedy)
{
    std::fprintf(stderr, "xenstored: %s: %s\n", what, remedy);
    std::exit(1);
}

void take_quota(Limits &limits, std::string_view text)
{
    auto equals = text.find('=');
    auto limit = Limits::find(text.substr(0, equals));
    auto value = equals == text.npos ? Error::inval : number_of(text.substr(equals + 1), UINT32_MAX);
    if (!limit || !value.ok())
        refuse(std::string{text}.c_str(), "not NAME=N with a name of those that --help lists");
    limits.*limit->value = value.value();
}

Options parse(int argc, char **argv)
{
    enum { help = 'h', daemon = 256, pid_file, folder, log_file, trace, sockets_only, quota };
    option const known[] = {{"help", no_argument, nullptr, help},
                            {"daemon", no_argument, nullptr, daemon},
                            {"pid-file", required_argument, nullptr, pid_file},
                            {"socket-dir", required_argument, nullptr, folder},
                            {"log", required_argument, nullptr, log_file},
                            {"trace", no_argument, nullptr, trace},
                            {"sockets-only", no_argument, nullptr, sockets_only},
                            {"quota", required_argument, nullptr, quota},
                            {}};
    Options o;
    auto from_environment = std::getenv("XENSTORED_RUNDIR");
    o.folder = from_environment ? from_environment : "/run/xenstored";
    for (int c; (c = getopt_long(argc, argv, "h", known, nullptr)) != -1;)
        switch (c) {
        case help: print_usage(); std::exit(0);
        case daemon: o.daemon = true; break;
        case pid_file: o.pid_file = optarg; break;
        case folder: o.folder = optarg; break;
        case log_file: o.log_file = optarg; break;
        case trace: o.trace = true; break;
        case sockets_only: o.sockets_only = true; break;
        case quota: take_quota(o.limits, optarg); break;
        default: std::exit(2);
        }
    if (optind != argc)
        refuse(argv[optind], "no such argument; xenstored --help lists the options");
    return o;
}
}  // namespace

int main(int argc, char **argv)
{
    auto options = parse(argc, argv);
    Daemon daemon{options.daemon};
    std::unique_ptr<XenMachine> xen;
    std::string where;
    if (!options.sockets_only) {
        auto opened = XenMachine::open(where);
        if (!opened.ok())
            refuse(where.c_str(),
                   (std::string{text_of(opened.error())} + "; it runs in domain 0 only (or with --sockets-only)").c_str());
        xen = opened.take();
    }
    Server server{options.limits, std::move(xen)};
    server.log().trace(options.trace);
    if (!options.log_file.empty())
        if (auto result = server.log().open(options.log_file); !result.ok())
            refuse(options.log_file.c_str(), text_of(result.error()));
    server.begin();
    if (auto result = server.sockets().listen(options.folder, where); !result.ok())
        refuse(where.c_str(),
               (std::string{text_of(result.error())} + "; choose another folder with --socket-dir").c_str());
    if (!daemon.ready(options.pid_file))
        refuse(options.pid_file.c_str(), std::strerror(errno));
    server.run();
}
