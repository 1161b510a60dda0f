// SPDX-License-Identifier: MIT
// What entry.S pushes. Native and paravirtual entries build the same frame, so that nothing above can tell them apart. The
// kernel uses the accessors; the registers are for arch/ only.
//
//   top of the kernel stack  +--------------------+
//                            | ss, esp            |  only when coming from ring 3
//                            | eflags, cs, eip    |  pushed by the processor or the hypervisor
//                            | error              |  error code, 0, or for a system call the original eax
//                            | vector             |
//                            | ds, es, fs, gs     |
//                            | eax .. edi (pusha) |
//                     %esp ->+--------------------+
#pragma once
#include <cstddef>
#include <cstdint>
#include <lib/addr.hpp>
#include <lib/x86/registers.hpp>
#include <user_segments.hpp>

struct TrapFrame {
    std::uint32_t edi, esi, ebp, unused_esp, ebx, edx, ecx, eax;
    std::uint32_t gs, fs, es, ds;  // the upper halves are undefined
    std::uint32_t vector, error;
    std::uint32_t eip, cs, eflags;  // cs: the upper half is undefined natively, the event mask under a hypervisor
    std::uint32_t esp, ss;

    static TrapFrame fresh_user(Vaddr entry, Vaddr stack)
    {
        TrapFrame f{};
        f.es = f.ds = f.ss = arch::user_ds;
        f.cs = arch::user_cs;
        f.eip = entry.raw();
        f.esp = stack.raw();
        f.eflags = x86::IF | 2;  // bit 1 is always set, SDM Vol. 1, 3.4.3
        return f;
    }
    bool from_user() const { return (cs & 3) == 3; }  // rings 0 and 1 are the kernel's
    bool interrupts_were_on() const { return (eflags & x86::IF) != 0; }
    std::uint32_t call_number() const { return error; }
    std::uint32_t call_arg(unsigned i) const
    {
        std::uint32_t const arguments[] = {ebx, ecx, edx, esi, edi, ebp};
        return arguments[i];
    }
    std::int32_t call_result() const { return static_cast<std::int32_t>(eax); }
    void set_call_result(std::int32_t r) { eax = static_cast<std::uint32_t>(r); }
    void restart_call()
    {
        eax = error;
        eip -= 2;  // int $0x80 is two bytes long
    }
    Vaddr ip() const { return Vaddr{eip}; }
    void set_ip(Vaddr v) { eip = v.raw(); }
    Vaddr sp() const { return Vaddr{esp}; }
    void set_sp(Vaddr v) { esp = v.raw(); }
};
static_assert(sizeof(TrapFrame) == 76 && offsetof(TrapFrame, gs) == 32 && offsetof(TrapFrame, vector) == 48);
static_assert(offsetof(TrapFrame, eip) == 56 && offsetof(TrapFrame, eflags) == 64 && offsetof(TrapFrame, ss) == 72);
