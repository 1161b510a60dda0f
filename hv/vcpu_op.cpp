// SPDX-License-Identifier: MIT
// vcpu_op: bringing vCPUs up and down, their timers, and where their records lie.
#include <cstring>
#include <hv/cpu.hpp>
#include <hv/event.hpp>
#include <hv/frames.hpp>
#include <hv/guest_copy.hpp>
#include <hv/guest_traps.hpp>
#include <hv/hypercall.hpp>
#include <hv/map.hpp>
#include <hv/memory.hpp>
#include <hv/mmu.hpp>
#include <hv/percpu.hpp>
#include <hv/schedule.hpp>
#include <hv/time.hpp>
#include <hv/vcpu_context.hpp>
#include <pv/vcpu.h>

namespace hv {
namespace {

constexpr std::uint64_t shortest_period_ns = 1'000'000;

Result<> initialise(Vcpu &v, std::uint32_t argument)
{
    if (v.initialised)
        return Error::exist;
    vcpu_guest_context context;
    if (!read_guest(context, argument))
        return Error::fault;
    LockGuard guard{mmu_lock};
    return set_vcpu_context(v, context);
}

std::int32_t initialise_or_restart(Vcpu &v, std::uint32_t argument)
{
    Result<> r = initialise(v, argument);
    return r.error() == Error::again ? continue_hypercall({}) : to_errno(r);
}

Result<> up(Vcpu &v)
{
    if (!v.initialised)
        return Error::inval;
    set_online(v, true);
    return {};
}

Result<> down(Vcpu &v)
{
    set_online(v, false);
    v.oneshot_ns = v.period_ns = 0;
    deadline_changed(v);
    return {};
}

Result<> give_runstate(Vcpu &v, std::uint32_t argument)
{
    vcpu_runstate_info info;
    runstate_now(v, info);
    if (!write_guest(argument, info))
        return Error::fault;
    return {};
}

Result<> register_runstate(Vcpu &v, std::uint32_t argument)
{
    vcpu_register_runstate_memory_area op;
    if (!read_guest(op, argument))
        return Error::fault;
    auto at = static_cast<std::uint32_t>(op.addr.p);  // the pointer is the low half of the union
    if (!guest_range_ok(at, 1, sizeof(vcpu_runstate_info)))
        return Error::fault;
    v.runstate_area = at;
    if (&v == this_cpu().current)
        write_runstate_area(v);
    return {};
}

Result<> register_time(Vcpu &v, std::uint32_t argument)
{
    vcpu_register_time_memory_area op;
    if (!read_guest(op, argument))
        return Error::fault;
    auto at = static_cast<std::uint32_t>(op.addr.p);  // as above
    if (!guest_range_ok(at, 1, sizeof(vcpu_time_info)))
        return Error::fault;
    v.time_area = at;
    write_time_area(v);
    return {};
}

Result<> set_periodic(Vcpu &v, std::uint32_t argument)
{
    vcpu_set_periodic_timer op;
    if (!read_guest(op, argument))
        return Error::fault;
    if (op.period_ns < shortest_period_ns)
        return Error::inval;
    constexpr std::uint64_t longest = 1ull << 62;  // adding it to the time cannot wrap
    if (op.period_ns > longest)
        return Error::inval;
    v.period_ns = op.period_ns;
    v.next_period_ns = now_ns() + op.period_ns;
    deadline_changed(v);
    return {};
}

Result<> set_singleshot(Vcpu &v, std::uint32_t argument)
{
    vcpu_set_singleshot_timer op;
    if (!read_guest(op, argument))
        return Error::fault;
    if (&v != &current())
        return Error::inval;
    if ((op.flags & VCPU_SSHOTTMR_future) && op.timeout_abs_ns < now_ns())
        return Error::time;
    v.oneshot_ns = op.timeout_abs_ns ? op.timeout_abs_ns : 1;  // 0 is in the past, not "off"
    deadline_changed(v);
    return {};
}

// Once and for good: the old place stays as it is, the new one starts as its copy, and everything counts as pending so
// that no event between the two is lost. The frame keeps a writable reference until the vCPU goes.
Result<> register_info(Vcpu &v, std::uint32_t argument)
{
    vcpu_register_vcpu_info op;
    if (!read_guest(op, argument))
        return Error::fault;
    if (op.offset > page_size - sizeof(vcpu_info) || op.offset % alignof(xen_ulong_t))
        return Error::inval;
    if (v.info_frame != no_mfn || op.mfn >> 32)
        return Error::inval;
    if (&v != &current() && v.online)
        return Error::inval;
    Mfn mfn{static_cast<std::uint32_t>(op.mfn)};
    TRY(get_frame_and_type(mfn, v.domain, FrameType::writable));
    auto place = reinterpret_cast<vcpu_info *>(static_cast<std::uint8_t *>(map_frame(mfn)) + op.offset);
    *place = *v.info;
    v.info = place;
    v.info_frame = mfn;
    place->evtchn_pending_sel = ~0u;
    notify(v);
    return {};
}

Result<> stop_periodic(Vcpu &v)
{
    v.period_ns = 0;
    deadline_changed(v);
    return {};
}

Result<> stop_singleshot(Vcpu &v)
{
    if (&v != &current())
        return Error::inval;
    v.oneshot_ns = 0;
    deadline_changed(v);
    return {};
}

Result<> give_physid(std::uint32_t argument)
{
    if (!current_domain().privileged)
        return Error::inval;  // as if the vCPU were not pinned
    vcpu_get_physid out{0};
    if (!write_guest(argument, out))
        return Error::fault;
    return {};
}

}  // namespace

std::int32_t do_vcpu_op(std::uint32_t cmd, std::uint32_t vcpu, std::uint32_t argument)
{
    Domain &d = current_domain();
    if (vcpu >= d.vcpu_count || !d.vcpus[vcpu])
        return -static_cast<std::int32_t>(Error::noent);
    Vcpu &v = *d.vcpus[vcpu];
    switch (cmd) {
    case VCPUOP_initialise: return initialise_or_restart(v, argument);
    case VCPUOP_up: return to_errno(up(v));
    case VCPUOP_down: return to_errno(down(v));
    case VCPUOP_is_up: return v.online;
    case VCPUOP_get_runstate_info: return to_errno(give_runstate(v, argument));
    case VCPUOP_register_runstate_memory_area: return to_errno(register_runstate(v, argument));
    case VCPUOP_register_vcpu_time_memory_area: return to_errno(register_time(v, argument));
    case VCPUOP_set_periodic_timer: return to_errno(set_periodic(v, argument));
    case VCPUOP_stop_periodic_timer: return to_errno(stop_periodic(v));
    case VCPUOP_set_singleshot_timer: return to_errno(set_singleshot(v, argument));
    case VCPUOP_stop_singleshot_timer: return to_errno(stop_singleshot(v));
    case VCPUOP_register_vcpu_info: return to_errno(register_info(v, argument));
    case VCPUOP_get_physid: return to_errno(give_physid(argument));
    default: return -static_cast<std::int32_t>(Error::nosys);
    }
}

void release_vcpu_info(Vcpu &v)
{
    if (v.info_frame == no_mfn)
        return;
    auto page = reinterpret_cast<std::uint8_t *>(v.info) - vaddr_of(v.info).raw() % page_size;
    v.info = &v.domain->shared->vcpu_info[v.id];
    unmap_frame(page);
    static_cast<void>(put_frame_and_type(frame_of(v.info_frame)));
    v.info_frame = no_mfn;
}

}  // namespace hv
