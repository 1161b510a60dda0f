// SPDX-License-Identifier: MIT
// What a micro-guest is made of. A test is one file with `char const title[]` and `void test_main()`; it tells what it
// proves at its top, and reports by the functions below. The worst report counts; none at all is an error.
//
//   check(0, "it works", hypercall(...));            expects a value
//   Fault f = faults([] { ... });                    what the statement raised, vector -1: nothing
//   User u = run_user(code);                         in ring 3, until it ends by int 0x80 with eax 0, or faults
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <pv/callback.h>
#include <pv/event_channel.h>
#include <pv/memory.h>
#include <pv/physdev.h>
#include <pv/sched.h>
#include <pv/vcpu.h>
#include <pv/version.h>
#include <pv/xen.h>
#include <type_traits>

extern char const title[];
void test_main();

// --- reports ---------------------------------------------------------------------------------------------------------
void print(char const *format, ...) __attribute__((format(printf, 1, 2)));
void success();  // the test came to its end; needs no other report
void failure(char const *format, ...) __attribute__((format(printf, 1, 2)));
void error(char const *format, ...) __attribute__((format(printf, 1, 2)));
[[noreturn]] void finish();  // prints the result and switches off
// "not here": the rest of the test needs what this machine has not. Ends it without a failure.
[[noreturn]] void skip(char const *format, ...) __attribute__((format(printf, 1, 2)));
enum class Verdict : std::uint32_t { none, success, skip, failure, error };
void check(std::int64_t expected, char const *what, std::int64_t got);
void check_true(bool condition, char const *what);

// Set in a domain that the test made of its own image (domu.hpp): called in place of test_main, and where its text goes.
extern void (*child_main)();
extern void (*write_text)(char const *text, std::uint32_t bytes);
extern Verdict verdict;

// --- hypercalls --------------------------------------------------------------------------------------------------------
template <class T>
std::uint32_t word(T value)
{
    if constexpr (std::is_pointer_v<T>)
        return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(value));
    else
        return static_cast<std::uint32_t>(value);
}
std::int32_t hypercall_words(std::uint32_t number, std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d,
                             std::uint32_t e);
template <class A = int, class B = int, class C = int, class D = int, class E = int>
std::int32_t hypercall(std::uint32_t number, A a = {}, B b = {}, C c = {}, D d = {}, E e = {})
{
    return hypercall_words(number, word(a), word(b), word(c), word(d), word(e));
}

// --- traps -------------------------------------------------------------------------------------------------------------
struct TrapFrame {
    std::uint32_t ebx, ecx, edx, esi, edi, ebp, eax, ds, es, vector, error, eip, cs, eflags, esp, ss;
    bool from_user() const { return (cs & 3) == 3; }
    std::uint32_t mask() const { return cs >> 16 & 0xff; }  // saved_upcall_mask
};
struct Fault {
    int vector = -1;
    std::uint32_t error = 0, eip = 0, cs = 0, eflags = 0, cr2 = 0, mask = 0;
};
// Set to see a trap before it counts as a fault; true: dealt with, go back. Vector 0x100: an event upcall.
extern bool (*on_trap)(TrapFrame &);
extern "C" int catch_fault(void (*f)(void *), void *argument);
extern "C" [[noreturn]] void unwind();
extern Fault last_fault;

template <class F>
Fault faults(F f)
{
    last_fault = {};
    catch_fault([](void *p) { (*static_cast<F *>(p))(); }, &f);
    return last_fault;
}
void check_fault(int vector, char const *what, Fault got);

// --- ring 3 ------------------------------------------------------------------------------------------------------------
#define USER_TEXT __attribute__((section(".user.text"), noinline))
#define USER_DATA __attribute__((section(".user.data")))
struct User {
    Fault fault;
    std::uint32_t result;  // ebx at the final int 0x80
};
User run_user(void (*code)(), bool by_hypercall = false);
inline __attribute__((always_inline)) void user_exit(std::uint32_t result)
{
    asm volatile("int $0x80" ::"a"(0), "b"(result) : "memory");
}
extern "C" std::uint32_t volatile syscall_count;
extern "C" void (*const trap_entries[32])();
extern "C" void software_trap_entry();
extern "C" void event_entry();
extern "C" void failsafe_entry();
extern "C" void syscall_entry();
extern "C" std::uint8_t kernel_stack_top[];
extern bool (*on_failsafe)(std::uint32_t const *frame);  // ds es fs gs eip cs eflags [esp ss]; false: a failure

// --- memory and time ---------------------------------------------------------------------------------------------------
extern start_info *info;
extern shared_info &shared;
std::uint32_t mfn_of(void const volatile *page);
std::uint64_t pte_of(void const volatile *page, std::uint64_t bits);  // bits: 1 present, 2 writable, 4 user
void remap(void const volatile *page, std::uint64_t pte);  // update_va_mapping with INVLPG; an error is reported
std::uint64_t now();                                       // system time, ns
std::uint64_t ring0_entries();                             // of this domain: XEN_SYSCTL_perfc_op
std::uint64_t counter(char const *name);                   // another of them by its name
bool limits_enforced();                                    // does this machine check segment limits?
constexpr std::uint64_t ms = 1'000'000;

inline std::uint8_t &event_mask() { return shared.vcpu_info[0].evtchn_upcall_mask; }
inline void barrier() { asm volatile("" ::: "memory"); }
// A segment descriptor; limit in bytes or, with bit 3 of flags, in pages. flags: 8 pages, 4 32-bit.
constexpr std::uint64_t descriptor(std::uint32_t base, std::uint32_t limit, unsigned access, unsigned flags)
{
    return (limit & 0xffffull) | (base & 0xff'ffffull) << 16 | std::uint64_t{access} << 40
        | std::uint64_t{limit >> 16 & 15} << 48 | std::uint64_t{flags} << 52 | std::uint64_t{base >> 24} << 56;
}
// The test's own GDT: installs `page` (zeroes, page-aligned, in the image) as page 0 and makes it read-only.
void install_gdt(std::uint64_t *page, unsigned entries);
std::int32_t set_descriptor(std::uint64_t *slot, std::uint64_t value);
