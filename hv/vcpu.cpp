// SPDX-License-Identifier: MIT
// A vCPU's memory, from its creation to its end.
#include <hv/cpu.hpp>
#include <hv/descriptor.hpp>
#include <hv/memory.hpp>
#include <hv/mmu.hpp>
#include <hv/percpu.hpp>
#include <hv/schedule.hpp>
#include <hv/state.hpp>
#include <hv/tables.hpp>
#include <hv/time.hpp>
#include <hv/tlb.hpp>
#include <hv/trap.hpp>
#include <hv/vcpu.hpp>
#include <hv/vcpu_context.hpp>
#include <hv/vcpu_queue.hpp>
#include <iterator>
#include <new>

namespace hv {
namespace {

// Room below Vcpu::regs for what may interrupt the first and last instructions of entry.S: two nested frames and more.
struct VcpuStorage {
    std::uint8_t entry_red_zone[512];
    Vcpu vcpu;
};
static_assert(offsetof(VcpuStorage, vcpu) == 512 && sizeof(GuestRegs) * 4 <= 512);
static_assert(sizeof(VcpuStorage) <= page_size);  // 20 KiB a domain are not many

constexpr unsigned reserved_gdt_page = FIRST_RESERVED_GDT_PAGE;

Vcpu *window_owner[max_windows];
unsigned next_victim, vcpus;

void fill_window(Vcpu &v)
{
    map_descriptor_window(v, reserved_gdt_page, reserved_gdt_frame());
    for (unsigned i = 0; i < gdt_pages(v.gdt_entries); ++i)
        map_descriptor_window(v, i, v.gdt_frames[i]);
    for (unsigned i = 0; i < std::size(v.ldt_frames); ++i)
        if (v.ldt_pages_mapped >> i & 1)
            map_descriptor_window(v, first_ldt_page + i, v.ldt_frames[i]);
}

void take_window_from(Vcpu &v)
{
    if (v.window == no_window)
        return;
    for (unsigned i = 0; i < descriptor_window_per_vcpu / page_size; ++i)
        unmap_descriptor_window(v, i);
    window_owner[v.window] = nullptr;
    v.window = no_window;
}

// A free one, or in turn that of somebody who does not run.
unsigned find_window()
{
    for (unsigned i = 0; i < max_windows; ++i)
        if (!window_owner[i])
            return i;
    do
        next_victim = (next_victim + 1) % max_windows;
    while (window_owner[next_victim] == this_cpu().current);
    unsigned window = next_victim;
    take_window_from(*window_owner[window]);
    return window;
}

}  // namespace

Result<Vcpu *> create_vcpu(Domain &d, unsigned id)
{
    if (vcpus == max_vcpus)
        return Error::nospc;
    void *memory = allocate_state(d, sizeof(VcpuStorage));
    if (!memory)
        return Error::nomem;
    ++vcpus;
    Vcpu &v = (new (memory) VcpuStorage)->vcpu;
    v.domain = &d;
    v.id = id;
    v.info = &d.shared->vcpu_info[id];
    v.info->evtchn_upcall_mask = 1;
    v.state_entered_ns = now_ns();
    fpu_reset(v);
    return &v;
}

// Nothing of it is in the processor after this, and it holds no frame but its root.
void disarm_vcpu(Vcpu &v)
{
    narrow_segments(v);
    release_ldt(v);
    release_gdt(v);
    release_vcpu_info(v);
    v.oneshot_ns = v.period_ns = 0;
    v.in_polling = false;
    deadline_changed(v);
}

Result<> reset_vcpu(Vcpu &v)
{
    set_online(v, false);
    v.initialised = false;
    disarm_vcpu(v);
    v.ldt_entries = 0;
    v.ts_virtual = false;
    fpu_reset(v);
    return release_root(v);
}

void free_vcpu(Vcpu &v)
{
    Cpu &cpu = this_cpu();
    disarm_vcpu(v);
    if (cpu.current == &v) {
        cpu.current = nullptr;
        cpu.idle = true;
        load_idle_root();
        use_boot_tables();
    }
    take_window_from(v);
    --vcpus;
    free_state(*v.domain, reinterpret_cast<std::uint8_t *>(&v) - offsetof(VcpuStorage, vcpu), sizeof(VcpuStorage));
}

void give_window(Vcpu &v)
{
    if (v.window != no_window)
        return;
    v.window = find_window();
    window_owner[v.window] = &v;
    fill_window(v);
}

}  // namespace hv
