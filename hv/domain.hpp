// SPDX-License-Identifier: MIT
// A domain and its virtual processors: plain data, used by every file of the hypervisor.
// Who writes what: memory fields mmu_update.cpp and validate.cpp; the rest the file named in the comment.
#pragma once
#include <cstddef>
#include <cstdint>
#include <hv/counters.hpp>
#include <hv/lock.hpp>
#include <hv/percpu.hpp>
#include <hv/regs.hpp>
#include <lib/addr.hpp>
#include <lib/x86/descriptor.hpp>
#include <pv/event_channel.h>
#include <pv/vcpu.h>
#include <pv/xen.h>

namespace hv {
struct Domain;
struct Frame;
struct GrantTable;
struct GuestConsole;

using DomainId = std::uint16_t;
inline constexpr unsigned max_event_ports = 1024;     // 32 bits x 32 words: the two-level limit of a 32-bit guest
inline constexpr unsigned ports_per_bucket = 128;     // what is known of ports is allocated in pieces (event_port.cpp)
inline constexpr unsigned max_vcpus_per_domain = 32;  // shared_info holds that many (XEN_LEGACY_MAX_VCPUS)

enum class RunState : std::uint8_t {  // as VCPUOP_get_runstate_info numbers them
    running = 0,
    runnable = 1,
    blocked = 2,
    offline = 3,
};

// What set_trap_table stored for a vector. `address` 0: none.
struct TrapEntry {
    std::uint32_t address;
    Selector selector;
    std::uint8_t dpl;
    bool mask_events;
};

inline constexpr std::uint32_t no_window = ~0u;

struct Vcpu {
    // First member, 16-byte aligned: the processor pushes a ring-1/3 frame so that it ends exactly where `regs` ends
    // (TSS.esp0 = &regs + 1), so that switching vCPUs copies no registers. hv/entry.S.
    GuestRegs regs;
    Domain *domain = nullptr;
    std::uint32_t id = 0;
    std::uint32_t window = no_window;  // index of the descriptor window (layout.hpp), if it has one now

    // --- trap.cpp, descriptor.cpp
    TrapEntry traps[256] = {};
    std::uint32_t kernel_esp = 0;  // stack_switch
    Selector kernel_ss;
    std::uint32_t event_callback = 0, failsafe_callback = 0;
    Selector event_callback_cs, failsafe_callback_cs;
    Mfn gdt_frames[14] = {};
    std::uint32_t gdt_entries = 0;
    std::uint32_t ldt_base = 0, ldt_entries = 0;
    bool direct_int80 = false;  // the guest's 0x80 handler may be reached without ring 0
    Descriptor int80_gate;
    std::uint32_t trap_cr2 = 0;
    bool failsafe_masks_events = false;
    std::uint8_t iopl = 0;  // what PHYSDEVOP_set_iopl asked for; the processor's own IOPL stays 0
    std::uint32_t io_bitmap = 0, io_bitmap_ports = 0;  // PHYSDEVOP_set_iobitmap: guest address, 0: none
    std::uint16_t ldt_pages_mapped = 0;
    Mfn ldt_frames[16] = {};  // mapped in the window, a descriptor reference each

    // --- wide.cpp: descriptors in the tables that are 4 GiB long at the moment, because ring 3 runs
    Descriptor *wide[4] = {};
    unsigned wide_count = 0;
    Descriptor wide_hint;  // the last one, as it is when it is not wide

    // --- memory
    Mfn cr3 = no_mfn;               // the L3 table loaded; holds a type reference
    Mfn unfinished_table = no_mfn;  // a table that lost its last user and is being taken apart, piece by piece

    // --- fpu.cpp
    bool ts_virtual = false;  // fpu_taskswitch(1): the next use traps into the guest
    std::uint32_t cr4 = 0, debug_regs[8] = {};
    alignas(16) std::uint8_t fpu_state[512] = {};

    // --- schedule.cpp
    RunState state = RunState::offline;  // as the books have it; what it wants to do say the flags
    bool initialised = false, online = false, blocked = false;
    bool in_polling = false;                       // blocked until a port is pending or a time comes
    bool competing = false;                        // wants the processor: counted in Domain::competing
    std::uint16_t run_place = 0, timer_place = 0;  // in the queues (vcpu_queue.hpp)
    std::int64_t virtual_time = 0;                 // credit.hpp
    std::uint64_t state_entered_ns = 0;
    std::uint64_t state_time_ns[4] = {};
    std::uint64_t runstate_area = 0;  // guest linear address, 0: none
    std::uint32_t time_area = 0;      // the same, for a copy of vcpu_info.time

    // --- time.cpp
    std::uint64_t deadline_ns = 0;  // the earliest of all below, while it is in the queue of timers
    std::uint64_t oneshot_ns = 0;   // absolute system time, 0: off
    std::uint64_t period_ns = 0, next_period_ns = 0;
    std::uint32_t time_version = 0;

    // --- event.cpp
    vcpu_info *info = nullptr;  // in the hypervisor's view of shared_info (or of the registered page)
    Mfn info_frame = no_mfn;    // VCPUOP_register_vcpu_info: the frame that holds it
    std::uint16_t virq_to_port[24] = {};
    std::uint32_t poll_port = 0;
    std::uint64_t poll_deadline_ns = 0;  // absolute system time, 0: none
    std::uint16_t poll_ports[128] = {};
    unsigned poll_count = 0;

    // --- hypercall.cpp
    bool hypercall_preempted = false;
};
static_assert(offsetof(Vcpu, regs) == 0);

enum class PortState : std::uint8_t { free, reserved, unbound, interdomain, pirq, virq, ipi };
struct EventPort {
    PortState state = PortState::free;
    std::uint8_t virq_or_pirq = 0;
    std::uint16_t vcpu = 0;      // which vCPU is notified
    DomainId remote_domain = 0;  // unbound: who may bind; interdomain: who is bound
    std::uint16_t remote_port = 0;
};

static_assert(sizeof(EventPort) == 8);

struct Domain {
    DomainId id = 0;
    std::uint32_t serial = 0;  // which of the domains that ever were: unlike the id never given again
    bool privileged = false;   // domain 0: the control plane
    bool serves_xenstore = false;
    bool dying = false, is_shutdown = false;
    std::uint8_t shutdown_reason = 0;
    std::uint8_t shutdown_code = 0;  // SCHEDOP_shutdown_code's reason + 1, 0: none
    std::uint8_t pause_count = 0;  // pauses by the control domain that are not taken back; not 0: none of its vCPUs runs
    Domain *next = nullptr;        // all domains, by id
    Domain *next_in_hash = nullptr;

    // --- memory (frames.cpp)
    Lock page_lock;                // the frame list and the counts below
    Frame *frames = nullptr;       // doubly linked through Frame::next/prev
    Frame *taken_apart = nullptr;  // dying: where release.cpp goes on; holds a reference
    bool tables_released = false;  // dying: no frame of it is a table any more
    std::uint32_t total_pages = 0, max_pages = 0;
    std::uint32_t special_pages = 0;  // the hypervisor's, shared with it: shared_info, grant frames
    std::size_t heap_bytes = 0;       // of the hypervisor's heap, because of it (state.hpp)

    shared_info *shared = nullptr;  // a page of the hypervisor's heap
    std::uint32_t vm_assist = 0;
    std::uint32_t wallclock_version = 0;
    std::int64_t time_offset_seconds = 0;  // its wall clock against the machine's

    EventPort *port_buckets[max_event_ports / ports_per_bucket] = {};
    unsigned port_limit = max_event_ports;  // ports from here up are not given out

    unsigned max_vcpus = 0;   // how many there may be
    unsigned vcpu_count = 0;  // vcpus[0 ... vcpu_count - 1] exist
    Vcpu *vcpus[max_vcpus_per_domain] = {};

    // --- run_queue.cpp
    std::uint16_t weight = 256, cap = 0;  // cap: per cent of a processor, 0: none
    std::uint16_t competing = 0;          // of its vCPUs
    bool parked = false;                  // overdrew its cap
    std::int64_t budget_ns = 0;           // left until the period's end; below 0: owed

    std::uint32_t handle[4] = {};
    Counters counters;
    GrantTable *grants = nullptr;     // grant.hpp
    GuestConsole *console = nullptr;  // console_guest.cpp, when it has written something
};

// domain_list.cpp
Domain *find_domain(DomainId id);  // nullptr: no such domain. DOMID_SELF is not resolved here
extern Domain *domain_list;
inline Domain &current_domain() { return *current().domain; }
}  // namespace hv
