// SPDX-License-Identifier: MIT
// The page-fault door: a program's fault is served or becomes a signal; the kernel's own fault on a user address is served or
// ends the copy it happened in; any other is a bug.
#include <arch/upcalls.hpp>
#include <arch/user_copy.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/memory/write_back.hpp>
#include <kernel/process/process.hpp>

namespace kernel {
namespace {
void send_fault_signal(int signo, int code, Vaddr address)
{
    SignalInfo info;
    info.signo = signo;
    info.code = code;
    info.fault.address = address.raw();
    force_signal(current(), info);
}

void signal_for(Error e, Vaddr address)
{
    switch (e) {
    case Error::nomem: return;  // it is being killed
    case Error::fault: return send_fault_signal(sig_segv, segv_maperr, address);
    case Error::acces: return send_fault_signal(sig_segv, segv_accerr, address);
    case Error::intr:
    case Error::restart_sys: return;  // a signal came while it waited for the disk: it faults again if it lives
    default: return send_fault_signal(sig_bus, bus_adrerr, address);
    }
}

[[noreturn]] void kernel_fault(TrapFrame const &frame, PageFaultFacts const &facts)
{
    arch::log_backtrace(&frame);
    panic("the kernel at %08x %s %08x, which is %s", frame.ip().raw(),
          facts.execute     ? "executed"
              : facts.write ? "wrote to"
                            : "read from",
          facts.address.raw(), facts.present ? "protected" : "not mapped");
}
}  // namespace

void on_page_fault(TrapFrame &frame, PageFaultFacts const &facts)
{
    auto &thread = current();
    Result<> served = Error::fault;
    if (thread.memory && facts.address < arch::user_limit && !(facts.execute && !facts.user)) {
        ++thread.minor_faults;
        served = thread.memory->fault(facts.address, facts.write, facts.execute);
        if (served.ok()) {
            if (facts.write && dirty_limit_exceeded())
                throttle_writer();
            return;
        }
        if (served.error() == Error::nomem && (wait_for_memory() || make_room_by_killing()))
            return;  // it faults again
    }
    if (facts.user)
        return signal_for(served.error(), facts.address);
    auto target = arch::find_fixup(frame.ip());
    if (target == Vaddr{})
        kernel_fault(frame, facts);
    frame.set_ip(target);
}
}  // namespace kernel
