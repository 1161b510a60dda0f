// SPDX-License-Identifier: MIT
// What cpuid says behind the forced-emulation prefix: the machine's answer without what a ring-1 kernel cannot use, and the
// leaves by which guests recognise Xen's interface. Plain cpuid does not fault and tells the machine's own answer.
#include <hv/emulate.hpp>
#include <lib/x86/priv.hpp>

namespace hv {
namespace {

constexpr std::uint32_t xen_leaf = 0x4000'0000, last_xen_leaf = xen_leaf + 2;
constexpr std::uint32_t xen_version = 4 << 16 | 17;

constexpr std::uint32_t bit(unsigned n) { return 1u << n; }

// SDM Vol. 2A "CPUID", leaf 1. PSE, PGE, MTRR, MCA, MCE, APIC, SEP, VME, DE, PSE-36, ACPI and thermal belong to ring 0.
constexpr std::uint32_t hidden_1_edx = bit(1) | bit(2) | bit(3) | bit(7) | bit(9) | bit(11) | bit(12) | bit(13)
    | bit(14) | bit(17) | bit(21) | bit(22) | bit(29) | bit(31);
// MONITOR, DS-CPL, VMX, SMX, EIST, TM2, PDCM, PCID, DCA, x2APIC, TSC-deadline; XSAVE, OSXSAVE, AVX and what needs them.
constexpr std::uint32_t hidden_1_ecx = bit(2) | bit(3) | bit(4) | bit(5) | bit(6) | bit(7) | bit(8) | bit(12) | bit(15)
    | bit(17) | bit(18) | bit(21) | bit(24) | bit(26) | bit(27) | bit(28) | bit(29);
constexpr std::uint32_t runs_under_hypervisor = bit(31);
// Long mode, SYSCALL, 1 GB pages, RDTSCP and the copies of the above.
constexpr std::uint32_t hidden_extended_edx = bit(1) | bit(2) | bit(3) | bit(7) | bit(9) | bit(11) | bit(12) | bit(13)
    | bit(14) | bit(17) | bit(26) | bit(27) | bit(29);
// SVM, ExtApic, OSVW, IBS, SKINIT, WDT, and XOP, LWP, FMA4 that need XSAVE.
constexpr std::uint32_t hidden_extended_ecx = bit(2) | bit(3) | bit(9) | bit(10) | bit(11) | bit(12) | bit(13) | bit(15)
    | bit(16);
// Leaf 7: BMI, ERMS and the like stay; FSGSBASE, SMEP, INVPCID, SMAP, AVX and MPX go.
constexpr std::uint32_t shown_7_ebx = bit(3) | bit(8) | bit(9) | bit(18) | bit(19);

x86::Cpuid xen_answer(std::uint32_t leaf)
{
    switch (leaf - xen_leaf) {
    case 0: return {last_xen_leaf, 0x566e'6558, 0x6558'4d4d, 0x4d4d'566e};  // "XenVMMXenVMM"
    case 1: return {xen_version, 0, 0, 0};
    default: return {1, xen_leaf, 0, 0};  // one hypercall page, by that MSR
    }
}

x86::Cpuid answer(std::uint32_t leaf, std::uint32_t subleaf)
{
    if (leaf >= xen_leaf && leaf <= last_xen_leaf)
        return xen_answer(leaf);
    x86::Cpuid r = x86::cpuid(leaf, subleaf);
    switch (leaf) {
    case 1:
        r.edx &= ~hidden_1_edx;
        r.ecx = (r.ecx & ~hidden_1_ecx) | runs_under_hypervisor;
        break;
    case 5:
    case 6:
    case 0xa:
    case 0xb:
    case 0xd: r = {0, 0, 0, 0}; break;
    case 7: r = {0, subleaf == 0 ? r.ebx & shown_7_ebx : 0, 0, 0}; break;
    case 0x8000'0001:
        r.edx &= ~hidden_extended_edx;
        r.ecx &= ~hidden_extended_ecx;
        break;
    default: break;
    }
    return r;
}

}  // namespace

void emulate_cpuid(Vcpu &, std::uint32_t &eax, std::uint32_t &ebx, std::uint32_t &ecx, std::uint32_t &edx)
{
    x86::Cpuid r = answer(eax, ecx);
    eax = r.eax, ebx = r.ebx, ecx = r.ecx, edx = r.edx;
}

}  // namespace hv
