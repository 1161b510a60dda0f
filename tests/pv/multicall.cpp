// SPDX-License-Identifier: MIT
// Many calls in one: results where they belong, errors that stop nothing, long lists that are interrupted and go on. A list
// may not hold another list (no bound) nor an iret (the rest would run as somebody else), and may lie nowhere but in
// the guest's own memory.
#include "guest.hpp"

char const title[] = "multicall";

namespace {

constexpr unsigned many = 4000;
multicall_entry calls[many];

std::int32_t multicall(multicall_entry *list, unsigned count) { return hypercall(__HYPERVISOR_multicall, list, count); }

void friendly()
{
    static std::uint8_t features[sizeof(xen_feature_info)];
    calls[0] = {__HYPERVISOR_xen_version, 77, {XENVER_version}};
    calls[1] = {__HYPERVISOR_xen_version, 77, {99}};
    calls[2] = {200, 77, {}};
    calls[3] = {__HYPERVISOR_xen_version, 77, {XENVER_get_features, word(features)}};
    check(0, "multicall of four", multicall(calls, 4));
    check(4 << 16 | 17, "first result", static_cast<std::int32_t>(calls[0].result));
    check(-38, "second result", static_cast<std::int32_t>(calls[1].result));
    check(-38, "a number that is no call", static_cast<std::int32_t>(calls[2].result));
    check(0, "fourth result", static_cast<std::int32_t>(calls[3].result));
    check(0, "multicall of none", multicall(calls, 0));
}

void forbidden()
{
    calls[0] = {__HYPERVISOR_multicall, 0, {word(calls + 10), 1}};
    calls[1] = {__HYPERVISOR_iret, 0, {}};
    calls[2] = {__HYPERVISOR_xen_version, 0, {XENVER_version}};
    check(0, "multicall", multicall(calls, 3));
    check(-22, "a list within a list", static_cast<std::int32_t>(calls[0].result));
    check(-22, "an iret within a list", static_cast<std::int32_t>(calls[1].result));
    check(4 << 16 | 17, "the next one is done", static_cast<std::int32_t>(calls[2].result));
    check(-14, "a list in the hypervisor", multicall(reinterpret_cast<multicall_entry *>(0xfe000000), 1));
    check(-14, "a list that reaches it", multicall(calls, 0x7ffffff));
    check(-14, "a count that wraps", multicall(calls, 0x8000001));
    check(-14, "a list that is not there", multicall(reinterpret_cast<multicall_entry *>(0x1000), 1));
}

// A timer every millisecond, so that a list of thousands is stopped in between and continued.
void interrupted()
{
    static unsigned volatile upcalls;
    evtchn_bind_virq op{VIRQ_TIMER, 0, 0};
    check(0, "bind_virq", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &op));
    on_trap = [](TrapFrame &f) {
        if (f.vector != 0x100)
            return false;
        shared.vcpu_info[0].evtchn_upcall_pending = 0;
        shared.vcpu_info[0].evtchn_pending_sel = 0;
        for (xen_ulong_t &w : shared.evtchn_pending)
            w = 0;
        upcalls = upcalls + 1;
        return true;
    };
    vcpu_set_periodic_timer period{1 * ms};
    check(0, "a timer", hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, &period));
    event_mask() = 0;
    for (unsigned round = 0; round < 30; ++round) {
        for (multicall_entry &c : calls)
            c = {__HYPERVISOR_xen_version, 0, {XENVER_version}};
        check(0, "multicall of 4000", multicall(calls, many));
        for (multicall_entry &c : calls)
            if (c.result != (4 << 16 | 17))
                return failure("entry %d was left out", static_cast<int>(&c - calls));
    }
    event_mask() = 1;
    hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0);
    check_true(upcalls > 0, "events came in between");
    print("%u upcalls during the lists\n", upcalls);
    on_trap = nullptr;
}

}  // namespace

void test_main()
{
    friendly();
    forbidden();
    interrupted();
    success();
}
