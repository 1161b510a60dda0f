// SPDX-License-Identifier: MIT
// Names of the bits and numbers that both sides use. Intel SDM Vol. 3A 2.3 (EFLAGS), 2.5 (control registers), table 6-1.
#pragma once
#include <cstdint>

namespace x86 {
enum Eflags : std::uint32_t {
    CF = 1u << 0,
    PF = 1u << 2,
    AF = 1u << 4,
    ZF = 1u << 6,
    SF = 1u << 7,
    TF = 1u << 8,
    IF = 1u << 9,
    DF = 1u << 10,
    OF = 1u << 11,
    IOPL = 3u << 12,
    IOPL1 = 1u << 12,
    NT = 1u << 14,
    RF = 1u << 16,
    VM = 1u << 17,
    AC = 1u << 18,
    VIF = 1u << 19,
    VIP = 1u << 20,
    ID = 1u << 21,
};
enum Cr0 : std::uint32_t {
    CR0_PE = 1u << 0,
    CR0_MP = 1u << 1,
    CR0_EM = 1u << 2,
    CR0_TS = 1u << 3,
    CR0_ET = 1u << 4,
    CR0_NE = 1u << 5,
    CR0_WP = 1u << 16,
    CR0_AM = 1u << 18,
    CR0_PG = 1u << 31,
};
enum Cr4 : std::uint32_t {
    CR4_VME = 1u << 0,
    CR4_TSD = 1u << 2,
    CR4_DE = 1u << 3,
    CR4_PSE = 1u << 4,
    CR4_PAE = 1u << 5,
    CR4_PGE = 1u << 7,
    CR4_OSFXSR = 1u << 9,
    CR4_OSXMMEXCPT = 1u << 10,
};
enum Vector : unsigned {
    DE = 0,
    DB = 1,
    NMI = 2,
    BP = 3,
    OF_ = 4,
    BR = 5,
    UD = 6,
    NM = 7,
    DF_ = 8,
    TS = 10,
    NP = 11,
    SS = 12,
    GP = 13,
    PF_ = 14,
    MF = 16,
    AC_ = 17,
    MC = 18,
    XM = 19,
};
// Page-fault error code, SDM Vol. 3A 4.7.
enum PageFault : std::uint32_t {
    PFEC_P = 1,
    PFEC_W = 2,
    PFEC_U = 4,
    PFEC_RSVD = 8,
    PFEC_I = 16
};  // not PF_W: <elf.h> has that
}  // namespace x86
