// SPDX-License-Identifier: MIT
#include <arch/mmu.hpp>
#include <lib/panic.hpp>
#include <pvlib/multicall.hpp>
#include <pvlib/reservation.hpp>

namespace pv {
namespace {
Vaddr linear_address(Pfn f) { return vaddr_of(arch::Mmu::frame_ptr(f)); }

std::uint64_t writable() { return Pte::P | Pte::RW | arch::Mmu::no_execute(); }

// Of kernel addresses whose tables always exist, and frames that are ours: a refusal is a bug.
void remap(std::span<Pfn const> frames, bool present)
{
    Multicall calls;
    for (auto f : frames) {
        auto entry = present ? Pte{arch::Mmu::to_machine(f), writable()} : Pte{};
        calls.update_va_mapping(linear_address(f), entry, UVMF_INVLPG);
    }
    auto done = calls.commit();
    if (!done.ok())
        panic("the hypervisor refuses the linear map of a frame: error %d", to_errno(done));
}

unsigned call(Word command, xen_pfn_t *list, std::size_t n)
{
    xen_memory_reservation r{list, static_cast<xen_ulong_t>(n), 0, 0, DOMID_SELF};
    auto done = memory_op(command, &r);
    return done < 0 ? 0 : static_cast<unsigned>(done);
}
}  // namespace

unsigned release_machine_frames(std::span<Pfn const> frames)
{
    ASSERT(frames.size() <= reservation_batch);
    xen_pfn_t machine[reservation_batch];
    for (std::size_t i = 0; i < frames.size(); ++i)
        machine[i] = arch::Mmu::to_machine(frames[i]).raw();
    remap(frames, false);
    auto done = call(XENMEM_decrease_reservation, machine, frames.size());
    for (unsigned i = 0; i < done; ++i)
        arch::Mmu::set_machine(frames[i], no_mfn);
    if (done < frames.size())
        remap(frames.subspan(done), true);
    return done;
}

unsigned obtain_machine_frames(std::span<Pfn const> frames)
{
    ASSERT(frames.size() <= reservation_batch);
    xen_pfn_t list[reservation_batch];
    for (std::size_t i = 0; i < frames.size(); ++i)
        list[i] = frames[i].raw();
    auto done = call(XENMEM_populate_physmap, list, frames.size());
    for (unsigned i = 0; i < done; ++i)
        arch::Mmu::set_machine(frames[i], Mfn{list[i]});
    remap(frames.first(done), true);
    return done;
}
}  // namespace pv
