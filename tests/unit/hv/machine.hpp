// SPDX-License-Identifier: MIT
// A machine for the hypervisor's code of memory, grants, events and domains on the host: 320 frames, two domains to begin with, and a processor
// that caches as much as the manual lets it (SDM Vol. 3A 4.10): every translation and every table that could have been read since the last flush.
#pragma once
#include <cstdint>
#include <hv/domain.hpp>
#include <hv/frames.hpp>
#include <hv/validate.hpp>
#include <lib/x86/pte.hpp>
#include <pv/memory.h>
#include <string>
#include <vector>

namespace machine {
inline constexpr unsigned frames = 320;
inline constexpr unsigned heap_first = 8, heap_frames = 72;                     // the hypervisor's
inline constexpr unsigned ram_first = 80, ram_end = 312;                        // the rest is I/O
inline constexpr std::uint32_t arena_address = 0x10000, arena_bytes = 0x10000;  // guest memory for arguments

extern hv::Domain dom0, domu;
extern hv::Vcpu vcpus[3];  // two of dom0's, one of domu's
extern std::uint8_t arena[arena_bytes];
extern unsigned preempt_chance;  // of 256: that a long operation is interrupted where it may be
extern unsigned flushes, restarts;

void reset();          // everything free, both domains empty
void run(hv::Vcpu &);  // the vCPU that the processor executes
Pte *table(Mfn);       // a frame's contents
std::uint32_t random_word();
void seed(std::uint32_t);

// The processor looks at all it can reach, through its tables and through those it remembers.
void observe();
// The guest writes a frame through a translation that it has or had: remembered as one.
void remember_writable(Mfn);
// What could still be written through a translation of the past.
bool maybe_writable(Mfn);

// Everything that must hold, counted anew from the tables' contents. Empty: all does. The second part is what the processor remembers.
std::string check();
std::string check_processor();

// Hypercalls of the running vCPU, made again for as long as they ask for it.
std::int32_t call_mmu_update(std::vector<struct mmu_update> const &, std::uint32_t domain = DOMID_SELF,
                             std::uint32_t *done = nullptr);
std::int32_t call_mmuext_op(std::vector<struct mmuext_op> const &, std::uint32_t domain = DOMID_SELF,
                            std::uint32_t *done = nullptr);
std::int32_t call_mmuext_op(std::uint32_t cmd, Mfn mfn, std::uint32_t second = 0);
std::int32_t call_update_va_mapping(std::uint32_t address, Pte, std::uint32_t flags, std::uint32_t domain = DOMID_SELF);
// A list of grant-table operations; they come back with their statuses.
template <class Op>
std::int32_t call_grants(unsigned cmd, std::vector<Op> &ops);
std::int32_t call_grants(unsigned cmd, void *ops, std::size_t count, std::size_t bytes);
template <class Op>
std::int32_t call_event(unsigned cmd, Op &op);
std::int32_t call_event(unsigned cmd, void *op, std::size_t bytes);
std::int32_t reservation(unsigned op, std::vector<std::uint32_t> &list, unsigned order,
                         std::uint32_t domain = DOMID_SELF);
std::int32_t exchange(std::vector<std::uint32_t> const &in, unsigned in_order, std::vector<std::uint32_t> &out,
                      unsigned out_order);

// A domain's first tables, made the way its builder makes them: an L3, four L2s and `l1_count` L1s, which map its frames from address 0 on,
// read-only where they are tables. Loads them.
struct Space {
    Mfn l3, l2[4];
    std::vector<Mfn> l1;
};
Space make_space(hv::Vcpu &, unsigned frames, unsigned l1_count = 1);
Mfn new_frame(hv::Domain &);
void retire(hv::Domain &);  // one of the two that are there at first goes: it is in no list, and has nothing

template <class Op>
std::int32_t call_grants(unsigned cmd, std::vector<Op> &ops)
{
    return call_grants(cmd, ops.data(), ops.size(), ops.size() * sizeof(Op));
}
template <class Op>
std::int32_t call_event(unsigned cmd, Op &op)
{
    return call_event(cmd, &op, sizeof op);
}
}  // namespace machine
