// SPDX-License-Identifier: MIT
// What the hypervisor's code of domains and events expects of its processor half, on the host: a clock that stands still, a console that nobody
// reads, vCPUs that never run.
#include "machine.hpp"
#include <cstdlib>
#include <hv/console_guest.hpp>
#include <hv/cpu.hpp>
#include <hv/descriptor.hpp>
#include <hv/frames.hpp>
#include <hv/log.hpp>
#include <hv/memory.hpp>
#include <hv/percpu.hpp>
#include <hv/pirq.hpp>
#include <hv/power.hpp>
#include <hv/schedule.hpp>
#include <hv/tables.hpp>
#include <hv/time.hpp>
#include <hv/trap.hpp>
#include <hv/vcpu_context.hpp>

namespace hv {

std::uint64_t now_ns() { return 0; }
void update_wallclock(Domain &) {}
void deadline_changed(Vcpu &) {}

void reconsider(Vcpu &) {}
void reconsider(Domain &) {}
void set_share(Domain &, unsigned, unsigned) {}
void set_online(Vcpu &v, bool online) { v.online = online; }
void wake(Vcpu &v) { v.blocked = false; }
void request_reschedule() {}

void log(char const *, ...) {}
void report_registers(GuestRegs const &, bool) {}
void end_of_control_domain(unsigned) { std::abort(); }
void free_guest_console(Domain &) {}

// The model's stand-in for set_gdt: its slots are released like a GDT's frames.
void release_gdt(Vcpu &v)
{
    for (Mfn &slot : v.gdt_frames)
        if (slot != Mfn{}) {
            static_cast<void>(put_frame_and_type(frame_of(slot)));
            slot = Mfn{};
        }
}
void narrow_segments(Vcpu &) {}
void fpu_reset(Vcpu &) {}
void release_vcpu_info(Vcpu &) {}
void map_descriptor_window(Vcpu &, unsigned, Mfn) {}
void unmap_descriptor_window(Vcpu &, unsigned) {}
Mfn reserved_gdt_frame() { return Mfn{0}; }
void use_boot_tables() {}

Result<> bind_pirq(Domain &, std::uint32_t, unsigned) { return Error::inval; }
void unbind_pirq(unsigned) {}

}  // namespace hv

extern "C" void exit_to_guest() { std::abort(); }
