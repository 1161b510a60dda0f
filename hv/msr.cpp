// SPDX-License-Identifier: MIT
// Machine-specific registers as a guest kernel sees them. None is passed through: an unknown one would fault here.
#include <hv/emulate.hpp>
#include <hv/frames.hpp>
#include <hv/hypercall.hpp>
#include <hv/map.hpp>
#include <lib/x86/priv.hpp>

namespace hv {
namespace {

enum Msr : std::uint32_t {
    time_stamp_counter = 0x10,
    platform_id = 0x17,
    apic_base = 0x1b,
    microcode = 0x8b,
    sysenter_cs = 0x174,
    sysenter_esp = 0x175,
    sysenter_eip = 0x176,
    misc_enable = 0x1a0,
    pat = 0x277,
    efer = 0xc000'0080,
    xen_hypercall_page = 0x4000'0000,
};
constexpr std::uint64_t pat_value = 0x0007'0406'0007'0406;  // as the processor starts
constexpr std::uint64_t efer_nx = 1u << 11;

bool is_harmless(std::uint32_t number)
{
    switch (number) {
    case platform_id:
    case microcode:
    case sysenter_cs:
    case sysenter_esp:
    case sysenter_eip:
    case misc_enable: return true;
    default: return false;
    }
}

// The value holds a machine frame's address; the frame must be one the guest may write.
bool write_hypercall_page(Vcpu &v, std::uint64_t value)
{
    if (value >> 44)
        return false;
    auto frame = get_frame_and_type(to_mfn(Maddr{value}), v.domain, FrameType::writable);
    if (!frame.ok())
        return false;
    {
        Mapped<> page{to_mfn(Maddr{value})};
        fill_hypercall_page(page.get());
    }
    static_cast<void>(put_frame_and_type(*frame.value()));
    return true;
}

}  // namespace

bool emulate_rdmsr(Vcpu &, std::uint32_t number, std::uint32_t &low, std::uint32_t &high)
{
    std::uint64_t value = 0;
    switch (number) {
    case time_stamp_counter: value = x86::rdtsc(); break;
    case apic_base: value = 0; break;  // there is none for the guest
    case pat: value = pat_value; break;
    case efer: value = x86::cpuid(0x8000'0001).edx >> 20 & 1 ? efer_nx : 0; break;
    default:
        if (!is_harmless(number))
            return false;
    }
    low = static_cast<std::uint32_t>(value);
    high = static_cast<std::uint32_t>(value >> 32);
    return true;
}

bool emulate_wrmsr(Vcpu &v, std::uint32_t number, std::uint32_t low, std::uint32_t high)
{
    std::uint64_t value = std::uint64_t{high} << 32 | low;
    if (number == xen_hypercall_page)
        return write_hypercall_page(v, value);
    std::uint32_t now_low, now_high;
    if (number == time_stamp_counter || !emulate_rdmsr(v, number, now_low, now_high))
        return false;
    // Written with what it holds is fine; the harmless ones swallow anything.
    return is_harmless(number) || (low == now_low && high == now_high);
}

}  // namespace hv
