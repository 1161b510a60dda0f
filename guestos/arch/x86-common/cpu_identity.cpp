// SPDX-License-Identifier: MIT
// What the processor says of itself. Intel SDM Vol. 2A, CPUID.
#include <arch/clock.hpp>
#include <arch/cpu.hpp>
#include <arch/platform.hpp>
#include <cpuid_impl.hpp>  // arch/$(ARCH): cpuid()
#include <cstring>
#include <early.hpp>

namespace arch {
namespace {
constinit CpuIdentity identity{};

void read_vendor_and_model()
{
    auto r = cpuid(0);
    std::uint32_t const vendor[] = {r.ebx, r.edx, r.ecx};
    std::memcpy(identity.vendor, vendor, sizeof vendor);
    r = cpuid(1);
    auto family = r.eax >> 8 & 0xf, model = r.eax >> 4 & 0xf;
    identity.family = family + (family == 0xf ? r.eax >> 20 & 0xff : 0);
    identity.model = model + (family == 6 || family == 0xf ? r.eax >> 12 & 0xf0 : 0);
    identity.stepping = r.eax & 0xf;
    identity.features = r.edx;
    identity.features_ecx = r.ecx;
}

void read_model_name()
{
    if (cpuid(0x8000'0000).eax < 0x8000'0004)
        return;
    for (std::uint32_t i = 0; i < 3; ++i) {
        auto r = cpuid(0x8000'0002 + i);
        std::uint32_t const part[] = {r.eax, r.ebx, r.ecx, r.edx};
        std::memcpy(identity.model_name + sizeof part * i, part, sizeof part);
    }
}

bool rdrand(std::uint32_t &out)
{
    bool ok;
    asm volatile("rdrand %0\n\tsetc %1" : "=r"(out), "=qm"(ok));
    return ok;
}
}  // namespace

CpuIdentity const &cpu_identity()
{
    if (!identity.vendor[0]) {
        read_vendor_and_model();
        read_model_name();
        identity.khz = clock_khz();
    }
    return identity;
}

std::uint64_t cycles()
{
    std::uint64_t v;
    asm volatile("rdtsc" : "=A"(v));
    return v;
}

// Each word mixes the time-stamp counter's jitter, the wall clock and, where there is one, the processor's generator, by the
// finaliser of MurmurHash3 (Appleby, public domain constants).
void random_seed(void *out, std::size_t n)
{
    static constinit std::uint32_t pool = 0;
    bool has_rdrand = (cpu_identity().features_ecx >> 30 & 1) != 0;
    for (std::size_t i = 0; i < n; ++i) {
        std::uint32_t hardware = 0;
        if (has_rdrand)
            rdrand(hardware);
        pool = (pool + 1) * 0x85eb'ca6b ^ hardware ^ static_cast<std::uint32_t>(cycles() ^ wall_clock_ns() >> 10);
        pool ^= pool >> 13;
        pool *= 0xc2b2'ae35;
        pool ^= pool >> 16;
        static_cast<std::uint8_t *>(out)[i] = static_cast<std::uint8_t>(pool);
    }
}
}  // namespace arch
