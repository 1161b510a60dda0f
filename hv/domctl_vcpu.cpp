// SPDX-License-Identifier: MIT
// domctl on vCPUs: their contexts, and where they may run.
#include <hv/domctl.hpp>
#include <hv/guest_copy.hpp>
#include <hv/mmu.hpp>
#include <hv/schedule.hpp>
#include <hv/vcpu.hpp>
#include <hv/vcpu_context.hpp>

namespace hv {
namespace {

Result<Vcpu *> vcpu_of(Domain &d, std::uint32_t id, Error absent)
{
    if (id >= d.vcpu_count)
        return absent;
    return d.vcpus[id];
}

// Bytes beyond the first are zero: there is one processor and one node.
Result<bool> read_first_bit(xenctl_bitmap const &map)
{
    std::uint8_t byte = 0;
    if (map.nr_bits && !read_guest(byte, handle_address(map.bitmap)))
        return Error::fault;
    return (byte & 1) != 0;
}

}  // namespace

// A null context puts the vCPU back to where it was when it was created.
Result<> set_context(Domain &d, xen_domctl_vcpucontext const &op)
{
    Vcpu &v = *TRY(vcpu_of(d, op.vcpu, Error::inval));
    LockGuard guard{mmu_lock};
    if (op.ctxt.q == 0)
        return reset_vcpu(v);
    vcpu_guest_context context;
    if (!read_guest(context, handle_address(op.ctxt)))
        return Error::fault;
    return set_vcpu_context(v, context);
}

Result<> get_context(Domain &d, xen_domctl_vcpucontext const &op)
{
    Vcpu &v = *TRY(vcpu_of(d, op.vcpu, Error::srch));
    if (!v.initialised)
        return Error::nodata;
    vcpu_guest_context context;
    get_vcpu_context(v, context);
    if (!write_guest(handle_address(op.ctxt), context))
        return Error::fault;
    return {};
}

Result<> write_bitmap(xenctl_bitmap const &map, bool first)
{
    std::uint32_t at = handle_address(map.bitmap), bytes = (map.nr_bits + 7) / 8;
    constexpr std::uint32_t most = 64;  // beyond: left as it was, as bits that stand for nothing
    for (std::uint32_t i = 0; i < bytes && i < most; ++i)
        if (!write_guest(at + i, static_cast<std::uint8_t>(i == 0 && first)))
            return Error::fault;
    return {};
}

Result<> set_affinity(Domain &d, xen_domctl_vcpuaffinity const &op)
{
    TRY(vcpu_of(d, op.vcpu, Error::inval));
    constexpr std::uint32_t known = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT | XEN_VCPUAFFINITY_FORCE;
    if (!(op.flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)) || (op.flags & ~known))
        return Error::inval;
    if ((op.flags & XEN_VCPUAFFINITY_HARD) && !TRY(read_first_bit(op.cpumap_hard)))
        return Error::inval;
    if (op.flags & XEN_VCPUAFFINITY_SOFT)
        TRY(read_first_bit(op.cpumap_soft));
    return get_affinity(d, op);  // what is in force now
}

Result<> get_affinity(Domain &d, xen_domctl_vcpuaffinity const &op)
{
    TRY(vcpu_of(d, op.vcpu, Error::inval));
    if (!(op.flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
        return Error::inval;
    if (op.flags & XEN_VCPUAFFINITY_HARD)
        TRY(write_bitmap(op.cpumap_hard, true));
    if (op.flags & XEN_VCPUAFFINITY_SOFT)
        TRY(write_bitmap(op.cpumap_soft, true));
    return {};
}

Result<> get_node_affinity(Domain &, xen_domctl_nodeaffinity const &op) { return write_bitmap(op.nodemap, true); }

}  // namespace hv
