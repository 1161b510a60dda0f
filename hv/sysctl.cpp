// SPDX-License-Identifier: MIT
// sysctl, for the control domain: the hypervisor's log (readconsole); the counters are perfc.cpp's, facts about the machine
// sysctl_info.cpp's.
#include <hv/console.hpp>
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/sysctl.hpp>
#include <lib/result.hpp>
#include <pv/sysctl.h>

namespace hv {
namespace {

std::uint32_t cleared_to;  // where a reader begins after a `clear`

Result<> read_console(xen_sysctl_readconsole &op)
{
    char chunk[256];
    std::uint32_t index = op.incremental ? op.index : cleared_to, done = 0;
    if (!guest_range_ok(handle_address(op.buffer), op.count, 1))
        return Error::fault;
    while (done < op.count) {
        std::uint32_t want = op.count - done < sizeof chunk ? op.count - done : sizeof chunk;
        std::uint32_t n = read_log_ring(&index, chunk, want);
        if (n == 0)
            break;
        if (copy_to_guest(handle_address(op.buffer) + done, chunk, n))
            return Error::fault;
        done += n;
    }
    if (op.clear)
        cleared_to = index;
    op.count = done;
    op.index = index;
    return {};
}

Result<> debug_keys(xen_sysctl_debug_keys const &op)
{
    constexpr std::uint32_t most = 64;
    if (op.nr_keys > most)
        return Error::inval;
    for (std::uint32_t i = 0; i < op.nr_keys; ++i) {
        char key;
        if (!read_guest(key, handle_address(op.keys) + i))
            return Error::fault;
        debug_key(key);
    }
    return {};
}

Result<> run(xen_sysctl &op)
{
    switch (op.cmd) {
    case XEN_SYSCTL_perfc_op: return perfc(op.u.perfc_op);
    case XEN_SYSCTL_readconsole: return read_console(op.u.readconsole);
    case XEN_SYSCTL_debug_keys: return debug_keys(op.u.debug_keys);
    default: return machine_question(op);
    }
}

}  // namespace

std::int32_t do_sysctl(std::uint32_t argument)
{
    xen_sysctl op;
    if (!read_guest(op, argument))
        return -static_cast<std::int32_t>(current_domain().privileged ? Error::fault : Error::perm);
    bool of_itself = op.cmd == XEN_SYSCTL_perfc_op;
    if (!current_domain().privileged && !of_itself)
        return -static_cast<std::int32_t>(Error::perm);
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -static_cast<std::int32_t>(Error::acces);
    Result<> r = run(op);
    if (r.ok() && !write_guest(argument, op))
        return -static_cast<std::int32_t>(Error::fault);
    return to_errno(r);
}

}  // namespace hv
