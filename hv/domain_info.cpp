// SPDX-License-Identifier: MIT
#include <cstring>
#include <hv/domctl.hpp>
#include <hv/frames.hpp>
#include <hv/guest_copy.hpp>
#include <hv/heap.hpp>
#include <hv/schedule.hpp>
#include <hv/validate.hpp>

namespace hv {
namespace {

constexpr std::uint8_t machine_address_bits = 36;

std::uint64_t time_running(Vcpu const &v)
{
    vcpu_runstate_info run;
    runstate_now(v, run);
    return run.time[static_cast<unsigned>(RunState::running)];
}

std::uint32_t flags_of(Domain const &d)
{
    bool any_running = false, all_blocked = true;
    for (unsigned i = 0; i < d.vcpu_count; ++i) {
        Vcpu const &v = *d.vcpus[i];
        any_running |= v.state == RunState::running;
        all_blocked &= v.blocked || !v.online;
    }
    std::uint32_t flags = d.dying ? XEN_DOMINF_dying : 0;
    if (d.is_shutdown)
        flags |= XEN_DOMINF_shutdown | std::uint32_t{d.shutdown_reason} << XEN_DOMINF_shutdownshift;
    if (d.pause_count)
        flags |= XEN_DOMINF_paused;
    if (d.serves_xenstore)
        flags |= XEN_DOMINF_xs_domain;
    if (all_blocked)
        flags |= XEN_DOMINF_blocked;
    return any_running ? flags | XEN_DOMINF_running : flags;
}

std::uint32_t page_kind(Domain &d, std::uint32_t mfn)
{
    auto got = get_frame(Mfn{mfn}, &d);
    if (!got.ok())
        return XEN_DOMCTL_PFINFO_XTAB;
    Frame &f = *got.value();
    std::uint32_t kind = XEN_DOMCTL_PFINFO_NOTAB;
    if (f.type_count() != 0)
        switch (f.type()) {
        case FrameType::l1: kind = XEN_DOMCTL_PFINFO_L1TAB; break;
        case FrameType::l2:
        case FrameType::l2_top: kind = XEN_DOMCTL_PFINFO_L2TAB; break;
        case FrameType::l3: kind = XEN_DOMCTL_PFINFO_L3TAB; break;
        default: break;
        }
    if (f.is(Frame::pinned))
        kind |= XEN_DOMCTL_PFINFO_LPINTAB;
    put_frame(f);
    return kind;
}

}  // namespace

void fill_domain_info(Domain const &d, xen_domctl_getdomaininfo &out)
{
    std::memset(&out, 0, sizeof out);
    out.domain = d.id;
    out.flags = flags_of(d);
    out.tot_pages = d.total_pages;
    out.max_pages = d.max_pages;
    out.shared_info_frame = heap_mfn(d.shared).raw();
    for (unsigned i = 0; i < d.vcpu_count; ++i) {
        out.cpu_time += time_running(*d.vcpus[i]);
        out.nr_online_vcpus += d.vcpus[i]->online;
    }
    out.max_vcpu_id = d.max_vcpus - 1;
    std::memcpy(out.handle, d.handle, sizeof out.handle);
    out.gpaddr_bits = machine_address_bits;
}

Result<> get_vcpu_info(Domain &d, xen_domctl_getvcpuinfo &op)
{
    if (op.vcpu >= d.max_vcpus)
        return Error::inval;
    if (op.vcpu >= d.vcpu_count)
        return Error::srch;
    Vcpu const &v = *d.vcpus[op.vcpu];
    op.online = v.online;
    op.blocked = v.blocked;
    op.running = v.state == RunState::running;
    op.cpu_time = time_running(v);
    op.cpu = 0;
    return {};
}

Result<> get_page_info(Domain &d, xen_domctl_getpageframeinfo3 const &op)
{
    constexpr std::uint32_t most = 1024;
    if (op.num > most)
        return Error::too_big;
    std::uint32_t at = handle_address(op.array);
    for (std::uint32_t i = 0; i < op.num; ++i, at += sizeof(xen_pfn_t)) {
        xen_pfn_t mfn;
        if (!read_guest(mfn, at) || !write_guest(at, page_kind(d, mfn)))
            return Error::fault;
    }
    return {};
}

}  // namespace hv
