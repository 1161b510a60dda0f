// SPDX-License-Identifier: MIT
// Runs with guest_loglvl=all: unprivileged domains may write to the hypervisor's log, in lines that bear their number, without control
// characters, and so many and no more. One that writes without end is dropped, and the other's lines are all there.
#include "domu.hpp"
#include <cstring>

char const title[] = "console_io of unprivileged domains";

namespace {

using namespace domu;

DOM0_ONLY char text[16384 + 1];
std::uint32_t mark;

std::int32_t write(char const *s, std::uint32_t n) { return hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, n, s); }
std::int32_t write(char const *s) { return write(s, std::strlen(s)); }

// What the log holds since the last call.
void read_log()
{
    xen_sysctl op{};
    set_xen_guest_handle_64(op.u.readconsole.buffer, text);
    op.u.readconsole.count = sizeof text - 1;
    op.u.readconsole.incremental = 1;
    op.u.readconsole.index = mark;
    check(0, "readconsole", sysctl(XEN_SYSCTL_readconsole, op));
    text[op.u.readconsole.count] = 0;
    mark = op.u.readconsole.index;
}

unsigned count_in_log(char const *what)
{
    unsigned n = 0;
    for (char const *at = text; *at; ++at)
        n += !std::strncmp(at, what, std::strlen(what));
    return n;
}

void polite()
{
    check(0, "writes", write("hello from a do"));
    check(0, "writes on", write("main\nand \x1b[2J\x07 again\r\nno end"));
    check(-XEN_EPERM, "reads", hypercall(__HYPERVISOR_console_io, CONSOLEIO_read, 1, &mailbox));
    check(-XEN_EFAULT, "from the hypervisor", write(reinterpret_cast<char const *>(0xfe000000), 100));
    check(-XEN_EFAULT, "beyond the end of the world", write(reinterpret_cast<char const *>(0xf57fff00), 0x10000000));
    success();
}

void noisy()
{
    static char line[] = "noise noise noise\n";
    for (unsigned i = 0; i < 3000; ++i)
        write(line);
    static char much[8000];
    std::memset(much, 'x', sizeof much);
    for (unsigned i = 0; i < 100; ++i)
        write(much, sizeof much);
    success();
}

}  // namespace

void test_main()
{
    give_memory_back();
    read_log();
    run(polite);
    read_log();
    check(1, "one line, put together", static_cast<int>(count_in_log("hello from a domain\n")));
    check(1, "another, without its control characters", static_cast<int>(count_in_log(") and ?[2J? again\n")));
    check(0, "no unfinished one", static_cast<int>(count_in_log("no end")));
    run(noisy);
    run(polite);
    read_log();
    unsigned lines = count_in_log("noise noise noise\n") + count_in_log("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    check_true(lines >= 1, "some noise");
    check_true(count_in_log("noise noise noise\n") < 200, "not all of it");
    check(1, "another's line is there", static_cast<int>(count_in_log("hello from a domain\n")));
    success();
}
