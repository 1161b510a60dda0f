// SPDX-License-Identifier: MIT
// The rest of arch::Mmu: flushing, roots, the kernel's part of an address space; and what the hypervisor has validated.
#include <arch/mmu.hpp>
#include <arch/upcalls.hpp>
#include <boot_tables.hpp>
#include <cstring>
#include <lib/x86/table_scan.hpp>
#include <pvlib/multicall.hpp>
#include <utility>

namespace arch {
constinit Mmu the_mmu;

namespace {
// One bit for each frame of the linear map.
class FrameSet {
public:
    bool has(Pfn f) const { return (bits_[f.raw() / 32] >> f.raw() % 32 & 1) != 0; }
    void add(Pfn f) { bits_[f.raw() / 32] |= 1u << f.raw() % 32; }
    void remove(Pfn f) { bits_[f.raw() / 32] &= ~(1u << f.raw() % 32); }

private:
    static constexpr unsigned frames = (linear_end - linear_base) >> page_shift;
    std::uint32_t bits_[frames / 32]{};
};
constinit FrameSet live;    // read-only, the hypervisor's
constinit FrameSet uppers;  // L2 and L3 tables: their entries name tables

// The part of slot 3 that is ours; the hypervisor fills in the rest.
constexpr unsigned kernel_l2_entries = (kernel_map_end - linear_base) >> l2_shift;
static_assert(kernel_l2_entries == 428);

Pfn frame_of_slot(Pte const *slot) { return Pfn{(vaddr_of(slot) - linear_base) >> page_shift}; }

Pte *table_in(Pfn f) { return static_cast<Pte *>(Mmu::frame_ptr(f)); }

unsigned entries_of(Level level)
{
    return level == Level::l3 ? entries_per_pdpt - 1 : entries_per_table;  // slot 3 is treated apart
}
}  // namespace

bool Mmu::is_live(Pfn f) { return live.has(f); }

bool Mmu::has_tables(Pfn f) { return uppers.has(f); }

void Mmu::boot_table(Pfn f, Level level)
{
    live.add(f);
    if (level != Level::l1)
        uppers.add(f);
}

// Each time another one goes in: soon there are as many as are wanted between two flushes.
Result<Pfn> Mmu::allocate_table(Pte const *parent)
{
    bool const wanted_live = parent && is_live(frame_of_slot(parent));
    if (wanted_live && nr_spares_ < most_spares)
        if (auto frame = kernel::allocate_zeroed_frame(); frame.ok()) {
            make_live(frame.value(), Level::l1);
            spares_[nr_spares_++] = frame.value();
        }
    if (!wanted_live || ready_spares_ == 0)
        return kernel::allocate_zeroed_frame();
    auto taken = spares_[--ready_spares_];
    spares_[ready_spares_] = spares_[--nr_spares_];
    return taken;
}

Result<> Mmu::adopt(Pfn f, Level level)
{
    if (level == Level::l1)
        uppers.remove(f);
    else
        uppers.add(f);
    return {};
}

// A live root is unpinned, which leaves the tables below it to be disowned one by one; a live table alone has lost its last reference when
// it was unlinked. They are plain memory after commit().
void Mmu::disown(Pfn f, Level level)
{
    if (!is_live(f))
        return;
    if (level == Level::l3) {
        latch(commit());
        mmuext_op op{MMUEXT_UNPIN_TABLE, {to_machine(f).raw()}, {0}};
        latch(pv::mmuext_op(&op, 1));
    }
    make_plain(f, level);
}

void Mmu::latch(Result<> r)
{
    if (!r.ok() && error_ == Error::none)
        error_ = r.error();
}

void Mmu::queue(Pte *slot, Pte value)
{
    queue_at(to_maddr(to_machine(frame_of_slot(slot)), page_offset(vaddr_of(slot))), value);
}

// Linking a table into a live one makes it live too, and all it names.
void Mmu::set_elsewhere(Pte *slot, Pte value)
{
    auto table = frame_of_slot(slot);
    if (!is_live(table)) {
        recent_plain_ = vaddr_of(frame_ptr(table)).raw();
        *slot = value;  // no processor walks it
        return;
    }
    if (!has_tables(table)) {
        recent_ = vaddr_of(frame_ptr(table)).raw();
        recent_address_ = to_maddr(to_machine(table));
    } else if (value.present()) {
        auto child = to_pseudo(value.frame());
        if (!is_live(child))
            make_live(child, has_tables(child) ? Level::l2 : Level::l1);
    }
    queue(slot, value);
}

void Mmu::protect(Pfn f, bool writable)
{
    auto v = vaddr_of(frame_ptr(f));
    queue(kernel_slot(v), Pte{to_machine(f), Pte::P | (writable ? std::uint64_t{Pte::RW} : 0) | no_execute()});
}

void Mmu::make_live(Pfn table, Level level)
{
    protect(table, false);
    live.add(table);
    recent_plain_ = nowhere;
    if (level == Level::l1)
        return;
    auto slot = table_in(table), end = slot + entries_of(level);
    while ((slot = next_used(slot, end)) != end) {
        auto child = to_pseudo(slot++->frame());
        if (!is_live(child))
            make_live(child, level == Level::l3 ? Level::l2 : Level::l1);
    }
    if (level == Level::l3) {
        auto own = to_pseudo(table_in(table)[3].frame());
        if (!is_live(own)) {  // its tables have been live from the start
            protect(own, false);
            live.add(own);
        }
    }
}

void Mmu::make_plain(Pfn table, Level level)
{
    protect(table, true);
    live.remove(table);
    recent_ = nowhere;
    if (level == Level::l3 && !pv::hypervisor().shared_kernel_l2) {
        auto own = to_pseudo(table_in(table)[3].frame());
        protect(own, true);
        live.remove(own);
    }
}

void Mmu::invalidate(Vaddr v)
{
    single_ = queued_ == 1 && stale_ == 0;
    if (stale_ < few)
        stale_pages_[stale_++] = v;
    else
        stale_ = everything;
}

// The queued updates, then `operations` of the flushes; one call where there is one kind.
void Mmu::send(unsigned operations)
{
    mmuext_op ops[few];
    for (unsigned i = 0; i < operations; ++i)
        ops[i] = {MMUEXT_INVLPG_LOCAL, {stale_pages_[i].raw()}, {0}};
    if (stale_ == everything && operations == 1)
        ops[0] = {MMUEXT_TLB_FLUSH_LOCAL, {0}, {0}};
    auto n = queued_;
    bool single = std::exchange(single_, false);
    queued_ = 0;
    if (single && n == 1 && stale_ == 1) {
        latch(pv::update_va_mapping(stale_pages_[0], Pte{updates_[0].val}, UVMF_INVLPG));
    } else if (n && operations) {
        multicall_entry calls[2] = {{__HYPERVISOR_mmu_update, 0, {pv::word(updates_), n, 0, DOMID_SELF, 0, 0}},
                                    {__HYPERVISOR_mmuext_op, 0, {pv::word(ops), operations, 0, DOMID_SELF, 0, 0}}};
        latch(pv::multicall(calls, 2));
        for (auto const &call : calls)
            latch(pv::checked(static_cast<std::int32_t>(call.result)));
    } else if (n) {
        latch(pv::mmu_update(updates_, n));
    } else if (operations) {
        latch(pv::mmuext_op(ops, operations));
    }
}

Result<> Mmu::commit()
{
    if (queued_ || stale_)
        send(stale_ == everything ? 1 : stale_);
    if (stale_ == everything)
        ready_spares_ = nr_spares_;
    stale_ = 0;
    return take_error();
}

Result<> Mmu::take_error()
{
    auto e = std::exchange(error_, Error::none);
    return e == Error::none ? Result<>{} : Result<>{e};
}

// A root is pinned when it is loaded for the first time: that validates all its tables at once. One that is dead loses its pin before, and
// its tables end with the same flush. The rest of a context switch goes along.
Result<> Mmu::load_root(Pfn root, Pfn dead)
{
    auto &calls = pv::deferred_calls();
    if (loaded_ == root)
        return calls.commit();
    mmuext_op ops[3];
    unsigned n = 0;
    if (dead != no_pfn)
        ops[n++] = {MMUEXT_UNPIN_TABLE, {to_machine(dead).raw()}, {0}};
    if (!is_live(root)) {
        make_live(root, Level::l3);
        ops[n++] = {MMUEXT_PIN_L3_TABLE, {to_machine(root).raw()}, {0}};
    }
    ops[n++] = {MMUEXT_NEW_BASEPTR, {to_machine(root).raw()}, {0}};
    stale_ = 0;
    ready_spares_ = nr_spares_;
    if (queued_)
        calls.add(__HYPERVISOR_mmu_update, pv::word(updates_), std::exchange(queued_, 0), 0, DOMID_SELF);
    calls.add(__HYPERVISOR_mmuext_op, pv::word(ops), n, 0, DOMID_SELF);
    latch(calls.commit());
    loaded_ = root;
    if (dead != no_pfn)
        make_plain(dead, Level::l3);
    return take_error();
}

// The hypervisor has seen the change.
Result<> Mmu::reload_root() { return {}; }

// Where the hypervisor refuses to share one table, each root gets its own copy; the L1 tables it names never change.
Result<> Mmu::attach_kernel(Pfn root)
{
    auto own = table_in(kernel_root());
    auto table = table_in(root);
    if (pv::hypervisor().shared_kernel_l2) {
        set(&table[3], own[3]);
        return {};
    }
    auto copy = TRY(kernel::allocate_zeroed_frame());
    TRY(adopt(copy, Level::l2));
    std::memcpy(table_in(copy), boot_tables().kernel_l2, kernel_l2_entries * sizeof(Pte));
    set(&table[3], Pte{to_machine(copy), Pte::P});
    return {};
}

void Mmu::detach_kernel(Pfn root)
{
    auto copy = to_pseudo(table_in(root)[3].frame());
    set(&table_in(root)[3], Pte{});
    if (!pv::hypervisor().shared_kernel_l2)
        kernel::unref_frame(copy);
}

Pte *Mmu::kernel_slot(Vaddr v)
{
    auto l2 = boot_tables().kernel_l2[table_index(Level::l2, v)];
    return &static_cast<Pte *>(frame_ptr(to_pseudo(l2.frame())))[table_index(Level::l1, v)];
}

Pfn Mmu::kernel_root() { return boot_tables().root; }

std::uint64_t Mmu::no_execute() { return boot_tables().no_execute; }

std::uint64_t Mmu::global()
{
    return 0;  // the hypervisor decides what is global
}
}  // namespace arch
