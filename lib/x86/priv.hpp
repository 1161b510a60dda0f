// SPDX-License-Identifier: MIT
// Privileged instructions, one inline function each: for hv/ and guestos/arch/x86/ only (tools/check-layers).
#pragma once
#include <cstdint>

namespace x86 {
inline std::uint32_t read_cr0()
{
    std::uint32_t v;
    asm volatile("mov %%cr0, %0" : "=r"(v));
    return v;
}
inline std::uint32_t read_cr2()
{
    std::uint32_t v;
    asm volatile("mov %%cr2, %0" : "=r"(v));
    return v;
}
inline std::uint32_t read_cr3()
{
    std::uint32_t v;
    asm volatile("mov %%cr3, %0" : "=r"(v));
    return v;
}
inline std::uint32_t read_cr4()
{
    std::uint32_t v;
    asm volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}
inline void write_cr0(std::uint32_t v) { asm volatile("mov %0, %%cr0" ::"r"(v) : "memory"); }
inline void write_cr2(std::uint32_t v) { asm volatile("mov %0, %%cr2" ::"r"(v) : "memory"); }
inline void write_cr3(std::uint32_t v) { asm volatile("mov %0, %%cr3" ::"r"(v) : "memory"); }
inline void write_cr4(std::uint32_t v) { asm volatile("mov %0, %%cr4" ::"r"(v) : "memory"); }
inline void invlpg(std::uint32_t a) { asm volatile("invlpg (%0)" ::"r"(a) : "memory"); }
inline void cli() { asm volatile("cli" ::: "memory"); }
inline void sti() { asm volatile("sti" ::: "memory"); }
inline void clts() { asm volatile("clts"); }
inline void set_ts() { write_cr0(read_cr0() | 8); }
inline void hlt() { asm volatile("hlt" ::: "memory"); }
inline void sti_hlt() { asm volatile("sti; hlt" ::: "memory"); }
inline void pause() { asm volatile("pause"); }
inline std::uint64_t rdtsc()
{
    std::uint64_t v;
    asm volatile("rdtsc" : "=A"(v));
    return v;
}
inline std::uint64_t rdmsr(std::uint32_t n)
{
    std::uint64_t v;
    asm volatile("rdmsr" : "=A"(v) : "c"(n));
    return v;
}
inline void wrmsr(std::uint32_t n, std::uint64_t v) { asm volatile("wrmsr" ::"c"(n), "A"(v) : "memory"); }
inline void outb(std::uint16_t port, std::uint8_t v) { asm volatile("outb %0, %1" ::"a"(v), "Nd"(port)); }
inline void outw(std::uint16_t port, std::uint16_t v) { asm volatile("outw %0, %1" ::"a"(v), "Nd"(port)); }
inline void outl(std::uint16_t port, std::uint32_t v) { asm volatile("outl %0, %1" ::"a"(v), "Nd"(port)); }
inline std::uint8_t inb(std::uint16_t port)
{
    std::uint8_t v;
    asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
inline std::uint16_t inw(std::uint16_t port)
{
    std::uint16_t v;
    asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
inline std::uint32_t inl(std::uint16_t port)
{
    std::uint32_t v;
    asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
inline std::uint32_t read_eflags()
{
    std::uint32_t v;
    asm volatile("pushf; pop %0" : "=r"(v));
    return v;
}

struct Cpuid {
    std::uint32_t eax, ebx, ecx, edx;
};
inline Cpuid cpuid(std::uint32_t leaf, std::uint32_t sub = 0)
{
    Cpuid r;
    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(sub));
    return r;
}
// The operand of lgdt and lidt, SDM Vol. 3A 2.4.1.
struct [[gnu::packed]] TableRegister {
    std::uint16_t limit;
    std::uint32_t base;
};
static_assert(sizeof(TableRegister) == 6);
inline void lgdt(TableRegister const &r) { asm volatile("lgdt %0" ::"m"(r) : "memory"); }
inline void lidt(TableRegister const &r) { asm volatile("lidt %0" ::"m"(r) : "memory"); }
inline void lldt(std::uint16_t s) { asm volatile("lldt %0" ::"r"(s)); }
inline void ltr(std::uint16_t s) { asm volatile("ltr %0" ::"r"(s)); }
}  // namespace x86
