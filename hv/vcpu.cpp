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
#include <hv/tlb.hpp>
#include <hv/trap.hpp>
#include <hv/vcpu.hpp>
#include <hv/vcpu_context.hpp>
#include <new>

namespace hv {
namespace {

// Room below Vcpu::regs for what may interrupt the first and last instructions of entry.S: two nested frames and more.
struct VcpuStorage {
    std::uint8_t entry_red_zone[512];
    Vcpu vcpu;
};
static_assert(offsetof(VcpuStorage, vcpu) == 512 && sizeof(GuestRegs) * 4 <= 512);

constexpr unsigned reserved_gdt_page = FIRST_RESERVED_GDT_PAGE;

bool window_used[max_vcpus];

Result<unsigned> take_window()
{
    for (unsigned i = 0; i < max_vcpus; ++i)
        if (!window_used[i]) {
            window_used[i] = true;
            return i;
        }
    return Error::nospc;
}

}  // namespace

Result<Vcpu *> create_vcpu(Domain &d, unsigned id)
{
    unsigned window = TRY(take_window());
    void *memory = allocate_state(d, sizeof(VcpuStorage));
    if (!memory) {
        window_used[window] = false;
        return Error::nomem;
    }
    Vcpu &v = (new (memory) VcpuStorage)->vcpu;
    v.domain = &d;
    v.id = id;
    v.window = window;
    v.info = &d.shared->vcpu_info[id];
    v.info->evtchn_upcall_mask = 1;
    v.state_entered_ns = now_ns();
    map_descriptor_window(v, reserved_gdt_page, reserved_gdt_frame());
    return &v;
}

// Nothing of it is in the processor after this, and it holds no frame but its root.
void disarm_vcpu(Vcpu &v)
{
    narrow_segments(v);
    fpu_release(v);
    release_ldt(v);
    release_gdt(v);
    release_vcpu_info(v);
    v.oneshot_ns = v.period_ns = 0;
    v.in_polling = false;
}

Result<> reset_vcpu(Vcpu &v)
{
    set_run_state(v, RunState::offline);
    v.initialised = false;
    disarm_vcpu(v);
    v.ldt_entries = 0;
    v.fpu_initialised = false;
    return release_root(v);
}

void free_vcpu(Vcpu &v)
{
    Cpu &cpu = this_cpu();
    disarm_vcpu(v);
    unmap_descriptor_window(v, reserved_gdt_page);
    if (cpu.current == &v) {
        cpu.current = nullptr;
        cpu.idle = true;
        load_idle_root();
        use_boot_tables();
    }
    window_used[v.window] = false;
    free_state(*v.domain, reinterpret_cast<std::uint8_t *>(&v) - offsetof(VcpuStorage, vcpu), sizeof(VcpuStorage));
}

}  // namespace hv
