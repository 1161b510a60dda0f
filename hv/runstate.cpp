// SPDX-License-Identifier: MIT
// The books: how long each vCPU has been in which state, to the nanosecond, and the copy of them in the guest's memory. At any time
// the four times of a vCPU add up to its age.
#include <hv/cpu.hpp>
#include <hv/guest_copy.hpp>
#include <hv/percpu.hpp>
#include <hv/schedule.hpp>

namespace hv {

void set_run_state(Vcpu &v, RunState state)
{
    std::uint64_t now = now_ns();
    v.state_time_ns[static_cast<unsigned>(v.state)] += now - v.state_entered_ns;
    v.state_entered_ns = now;
    v.state = state;
    if (&v == this_cpu().current)
        write_runstate_area(v);
}

void runstate_now(Vcpu const &v, vcpu_runstate_info &out)
{
    out = {};
    out.state = static_cast<std::int32_t>(v.state);
    out.state_entry_time = v.state_entered_ns;
    for (unsigned i = 0; i < 4; ++i)
        out.time[i] = v.state_time_ns[i];
    out.time[static_cast<unsigned>(v.state)] += now_ns() - v.state_entered_ns;
}

// The guest chose the address: if it cannot be written now, it is not written.
void write_runstate_area(Vcpu &v)
{
    if (!v.runstate_area)
        return;
    auto at = static_cast<std::uint32_t>(v.runstate_area);
    vcpu_runstate_info info{};
    info.state = static_cast<std::int32_t>(v.state);
    info.state_entry_time = v.state_entered_ns;
    for (unsigned i = 0; i < 4; ++i)
        info.time[i] = v.state_time_ns[i];
    std::uint32_t const stamp = at + offsetof(vcpu_runstate_info, state_entry_time);
    bool flag = v.domain->vm_assist >> VMASST_TYPE_runstate_update_flag & 1;
    std::uint64_t busy = info.state_entry_time | XEN_RUNSTATE_UPDATE;
    if (flag && !write_guest(stamp, busy))
        return;
    info.state_entry_time = flag ? busy : info.state_entry_time;
    if (!write_guest(at, info))
        return;
    if (flag)
        static_cast<void>(write_guest(stamp, busy & ~XEN_RUNSTATE_UPDATE));
}

}  // namespace hv
