// SPDX-License-Identifier: MIT
// console_io: what is written comes out (this very report), what cannot be read by the guest is not written, nothing typed
// gives 0, and lengths that reach the hypervisor are refused before a byte of them is touched.
#include "guest.hpp"
#include <pv/sysctl.h>

char const title[] = "the console";

namespace {

std::int32_t console(unsigned cmd, std::uint32_t count, std::uint32_t buffer)
{
    return hypercall(__HYPERVISOR_console_io, cmd, count, buffer);
}

void log_ring()
{
    static char text[512];
    xen_sysctl op{};
    op.cmd = XEN_SYSCTL_readconsole;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    set_xen_guest_handle_64(op.u.readconsole.buffer, text);
    op.u.readconsole.count = sizeof text;
    check(0, "readconsole", hypercall(__HYPERVISOR_sysctl, &op));
    check_true(op.u.readconsole.count > 0 && text[0] == '(' && text[1] == 'h', "the log begins with (hv)");
    op.u.readconsole.buffer.q = 0xfe000000;
    check(-14, "readconsole into the hypervisor", hypercall(__HYPERVISOR_sysctl, &op));
    op.u.readconsole.buffer.q = 0x100000000 + word(text);
    check(-14, "readconsole above 4 GiB", hypercall(__HYPERVISOR_sysctl, &op));
    op.interface_version = 1;
    check(-13, "another interface version", hypercall(__HYPERVISOR_sysctl, &op));
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    op.cmd = 99;
    check(-38, "an unknown command", hypercall(__HYPERVISOR_sysctl, &op));
    check(-14, "an argument in the hypervisor", hypercall(__HYPERVISOR_sysctl, 0xfe000000));
}

}  // namespace

void test_main()
{
    static char buffer[64] = "written in one piece\n";
    check(0, "write", console(CONSOLEIO_write, 21, word(buffer)));
    check(0, "write of nothing", console(CONSOLEIO_write, 0, word(buffer)));
    check(-14, "write from the hypervisor", console(CONSOLEIO_write, 16, 0xfe000000));
    check(-14, "write from below to there", console(CONSOLEIO_write, 0x10000000, 0xf0000000));
    check(-14, "a length that wraps", console(CONSOLEIO_write, 0xffffffff, word(buffer)));
    check(-14, "write from nothing", console(CONSOLEIO_write, 16, 0x1000));
    check(0, "read: nobody typed", console(CONSOLEIO_read, sizeof buffer, word(buffer)));
    check(-14, "read into the hypervisor", console(CONSOLEIO_read, 16, 0xfe000000));
    check(-38, "an unknown command", console(99, 16, word(buffer)));
    log_ring();
    success();
}
