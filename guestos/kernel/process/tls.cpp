// SPDX-License-Identifier: MIT
// Thread-local storage segments: set_thread_area(2). A user_desc is a descriptor in the program's words; lib/x86/descriptor.hpp
// says what the bits are (SDM Vol. 3A, 3.4.5).
#include <abi/process.h>
#include <kernel/process/clone.hpp>
#include <kernel/syscall/syscall.hpp>
#include <lib/x86/descriptor.hpp>

namespace kernel {
namespace {
bool means_empty(abi_user_desc const &d)
{
    bool zero = d.base_addr == 0 && d.limit == 0 && d.contents == 0 && !d.seg_32bit && !d.limit_in_pages && !d.useable;
    return zero && d.read_exec_only == d.seg_not_present;  // all zero, or what get_thread_area says of an empty slot
}

// Only 32-bit data segments that are present: nothing a 16-bit stack or a code segment could be misused for.
bool acceptable(abi_user_desc const &d)
{
    return means_empty(d) || (d.seg_32bit && d.contents <= 1 && !d.seg_not_present && d.limit <= 0xfffff);
}

std::uint64_t encode(abi_user_desc const &d)
{
    if (means_empty(d))
        return 0;
    unsigned type = Descriptor::accessed | d.contents << 2;
    if (!d.read_exec_only)
        type |= Descriptor::writable_or_readable;
    return (d.limit & 0xffffull) | (d.base_addr & 0xff'ffffull) << 16 | std::uint64_t{type} << 40 | 1ull << 44
        | 3ull << 45 | 1ull << 47 | std::uint64_t{d.limit >> 16 & 0xf} << 48 | std::uint64_t{d.useable} << 52
        | 1ull << 54 | std::uint64_t{d.limit_in_pages} << 55 | std::uint64_t{d.base_addr >> 24} << 56;
}

abi_user_desc decode(std::uint32_t entry, Descriptor d)
{
    abi_user_desc out{};
    out.entry_number = entry;
    if (d.raw() == 0) {
        out.read_exec_only = out.seg_not_present = 1;
        return out;
    }
    out.base_addr = d.base();
    out.limit = static_cast<std::uint32_t>((d.raw() & 0xffff) | (d.raw() >> 32 & 0xf0000));
    out.seg_32bit = d.is_32bit();
    out.contents = d.type() >> 2 & 3;
    out.read_exec_only = !(d.type() & Descriptor::writable_or_readable);
    out.limit_in_pages = d.in_pages();
    out.seg_not_present = !d.present();
    out.useable = d.raw() >> 52 & 1;
    return out;
}

Result<unsigned> slot_of(std::uint32_t entry)
{
    if (entry < arch::first_tls_index || entry >= arch::first_tls_index + arch::tls_slots)
        return Error::inval;
    return entry - arch::first_tls_index;
}

Result<unsigned> free_slot(Thread const &t)
{
    for (unsigned i = 0; i < arch::tls_slots; ++i)
        if (t.arch_state.tls.descriptor[i] == 0)
            return i;
    return Error::srch;
}
}  // namespace

Result<> set_tls_slot(Thread &t, UserPtr<abi_user_desc> from, bool choose_slot)
{
    auto d = TRY(from.read());
    if (!acceptable(d))
        return Error::inval;
    bool choose = choose_slot && d.entry_number == ~0u;
    unsigned slot = choose ? TRY(free_slot(t)) : TRY(slot_of(d.entry_number));
    d.entry_number = arch::first_tls_index + slot;
    if (choose)
        TRY(from.write(d));
    t.arch_state.tls.descriptor[slot] = encode(d);
    return {};
}

namespace {
Result<> sys_set_thread_area(UserPtr<abi_user_desc> from)
{
    TRY(set_tls_slot(current(), from, true));
    arch::update_tls(current().arch_state);
    return {};
}
SYSCALL(set_thread_area, 243, sys_set_thread_area);

Result<> sys_get_thread_area(UserPtr<abi_user_desc> out)
{
    auto entry = TRY(out.read()).entry_number;
    auto slot = TRY(slot_of(entry));
    return out.write(decode(entry, Descriptor{current().arch_state.tls.descriptor[slot]}));
}
SYSCALL(get_thread_area, 244, sys_get_thread_area);
}  // namespace
}  // namespace kernel
