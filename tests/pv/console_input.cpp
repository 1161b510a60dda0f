// SPDX-License-Identifier: MIT
// What is typed (tests/pv/run types it at once, faster than this guest reads) arrives complete and in order: when the ring
// is full the bytes wait in the UART. Ctrl-A three times turns the keyboard to the hypervisor and back; what is typed
// there is answered by it and does not reach the guest.
#include "guest.hpp"
#include <cstring>
#include <lib/format.hpp>
#include <lib/panic.hpp>
#include <pv/sysctl.h>

char const title[] = "console input";

namespace {

constexpr unsigned numbers = 600;  // "0000 0001 ... 0599 END"

char line[256];
unsigned filled, used;

char next()
{
    std::uint64_t end = now() + 10'000 * ms;
    while (used == filled) {
        used = 0;
        std::int32_t n = hypercall(__HYPERVISOR_console_io, CONSOLEIO_read, 16, line);
        filled = n > 0 ? static_cast<unsigned>(n) : 0;
        if (now() > end)
            panic("nothing more came");
    }
    return line[used++];
}

void numbers_in_order()
{
    for (unsigned i = 0; i < numbers; ++i) {
        char expected[8], got[8] = {};
        format(expected, sizeof expected, "%04u ", i);
        for (unsigned k = 0; k < 5; ++k)
            got[k] = next();
        if (std::strcmp(expected, got))
            return failure("expected \"%s\", got \"%s\"", expected, got);
    }
    check('E', "the end", next());
}

bool log_holds(char const *text)
{
    static char log[16384];
    xen_sysctl op{};
    op.cmd = XEN_SYSCTL_readconsole;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    set_xen_guest_handle_64(op.u.readconsole.buffer, log);
    op.u.readconsole.count = sizeof log - 1;
    check(0, "readconsole", hypercall(__HYPERVISOR_sysctl, &op));
    std::size_t length = std::strlen(text);
    for (char const *p = log; *p; ++p)
        if (!std::strncmp(p, text, length))
            return true;
    return false;
}

}  // namespace

void test_main()
{
    std::uint64_t start = now();
    while (now() < start + 300 * ms) {}  // all that fits has come
    numbers_in_order();
    check_true(log_holds("console input: hypervisor"), "the switch");
    check_true(log_holds("domain 0 (control)"), "answer to d");
    check_true(log_holds("frames free"), "answer to m");
    check_true(log_holds("domain 0:"), "answer to e");
    check_true(log_holds("ring-0 entries"), "answer to c");
    check_true(log_holds("help"), "answer to h");
    check_true(log_holds("no such key"), "answer to a key that is none");
    check_true(log_holds("console input: domain 0"), "and back");
    success();
}
