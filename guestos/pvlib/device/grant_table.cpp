// SPDX-License-Identifier: MIT
#include <arch/mmu.hpp>
#include <kernel/lazy.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/kernel_map.hpp>
#include <kernel/process/process.hpp>
#include <pvlib/device/grant_table.hpp>
#include <pvlib/hypercall.hpp>

namespace pv {
namespace {
constinit GrantTable the_table;
constexpr std::uint16_t in_use = GTF_reading | GTF_writing;
constexpr std::uint64_t linger_interval_ns = 1'000'000'000;
constinit kernel::Lazy<kernel::WaitQueue> somebody_lingers;
constinit bool watcher_started = false;

// Frees what the other ends let go of; sleeps while there is nothing to wait for. An end that goes, or is started again, lets go a
// moment after us: only what was there at two looks in a row is worth a word.
void watch_lingering(void *)
{
    for (bool before = false;;) {
        (void)kernel::wait_until(
            *somebody_lingers, [] { return the_table.counts().lingering != 0; }, kernel::Sleep::uninterruptible);
        kernel::WaitQueue nobody;
        (void)kernel::wait_until(
            nobody, [] { return false; }, kernel::Sleep::uninterruptible, arch::now_ns() + linger_interval_ns);
        bool const still = the_table.release_lingering() != 0;
        if (before && still)
            the_table.report_lingering();
        before = still;
    }
}

void start_watcher()
{
    if (watcher_started)
        return;
    watcher_started = kernel::start_kernel_thread("grants", watch_lingering, nullptr).ok();
}

Result<> map_table_frame(Vaddr at, xen_pfn_t machine)
{
    return update_va_mapping(at, Pte{Mfn{machine}, Pte::P | Pte::RW | arch::Mmu::no_execute()}, UVMF_INVLPG);
}

Result<unsigned> most_table_frames()
{
    gnttab_query_size q{DOMID_SELF, 0, 0, 0};
    TRY(grant_table_op(GNTTABOP_query_size, &q, 1));
    TRY(grant_result(q.status));
    return q.max_nr_frames;
}
}  // namespace

GrantTable &grant_table() { return the_table; }

Result<> grant_result(std::int16_t status)
{
    switch (status) {
    case GNTST_okay: return {};
    case GNTST_bad_domain:
    case GNTST_bad_gntref:
    case GNTST_permission_denied: return Error::perm;
    case GNTST_bad_virt_addr:
    case GNTST_bad_dev_addr:
    case GNTST_bad_handle:
    case GNTST_bad_page:
    case GNTST_bad_copy_arg:
    case GNTST_address_too_big: return Error::inval;
    case GNTST_no_device_space:
    case GNTST_no_space: return Error::nospc;
    case GNTST_eagain: return Error::again;
    default: return Error::io;
    }
}

Result<> GrantTable::start()
{
    if (table_)
        return {};
    auto most = TRY(most_table_frames());
    frame_limit_ = most < most_frames ? most : most_frames;
    auto range = TRY(kernel::take_kernel_range(frame_limit_));
    table_ = pointer_to<grant_entry_v1 volatile>(range);
    return {};
}

// All frames are named each time: the hypervisor gives them in order, and those mapped already do not change.
Result<> GrantTable::grow()
{
    TRY(start());
    if (frames_ == frame_limit_)
        return Error::nospc;
    auto slots = new (std::nothrow) std::uint32_t[entries_per_frame];
    if (!slots)
        return Error::nomem;
    xen_pfn_t machine[most_frames];
    gnttab_setup_table op{DOMID_SELF, frames_ + 1, 0, machine};
    auto done = grant_table_op(GNTTABOP_setup_table, &op, 1);
    if (done.ok())
        done = grant_result(op.status);
    if (done.ok())
        done = map_table_frame(vaddr_of(const_cast<grant_entry_v1 *>(table_)) + frames_ * page_size, machine[frames_]);
    if (!done.ok()) {
        delete[] slots;
        return done;
    }
    slots_[frames_] = slots;
    add_entries(frames_++);
    return {};
}

// Entries that somebody filled before us (the toolstack, a boot loader in this domain) are left alone.
void GrantTable::add_entries(unsigned frame)
{
    for (unsigned i = entries_per_frame; i-- > 0;) {
        grant_ref_t r = frame * entries_per_frame + i;
        if (r >= GNTTAB_NR_RESERVED_ENTRIES && entry(r).flags == GTF_invalid)
            put(r);
    }
}

Result<grant_ref_t> GrantTable::take()
{
    if (free_ == end_of_list && lingering_ != end_of_list)
        (void)release_lingering();
    if (free_ == end_of_list)
        TRY(grow());
    if (free_ == end_of_list)
        return Error::nospc;
    auto r = free_;
    free_ = slot(r);
    --free_count_;
    return r;
}

void GrantTable::put(grant_ref_t r)
{
    slot(r) = free_;
    free_ = r;
    ++free_count_;
}

// The flags last: from then on the other end may use it.
void GrantTable::grant(grant_ref_t r, domid_t other, Pfn frame, Access access)
{
    kernel::ref_frame(frame);
    slot(r) = frame.raw();
    auto &e = entry(r);
    e.domid = other;
    e.frame = arch::Mmu::to_machine(frame).raw();
    asm volatile("" ::: "memory");
    e.flags = static_cast<std::uint16_t>(GTF_permit_access | (access == Access::read_only ? GTF_readonly : 0));
}

bool GrantTable::mapped(grant_ref_t r) const { return (entry(r).flags & in_use) != 0; }

// The hypervisor sets bits of the same word when the other end maps the frame: whoever is first wins.
bool GrantTable::try_end(grant_ref_t r)
{
    auto &flags = entry(r).flags;
    auto seen = flags;
    for (;;) {
        if (seen & in_use)
            return false;
        auto found = __sync_val_compare_and_swap(&flags, seen, std::uint16_t{GTF_invalid});
        if (found == seen)
            break;
        seen = found;
    }
    kernel::unref_frame(Pfn{slot(r)});
    return true;
}

void GrantTable::end_and_put(grant_ref_t r)
{
    if (try_end(r))
        put(r);
    else
        linger(r);
}

void GrantTable::linger(grant_ref_t r)
{
    slot(r) = lingering_;
    lingering_ = r;
    ++lingering_count_;
    start_watcher();
    somebody_lingers->wake_all();
}

void GrantTable::report_lingering()
{
    for (auto r = lingering_; r != end_of_list; r = slot(r))
        kernel::log_once(0x6a00'0000u | entry(r).domid,
                         "<4>grants: domain %u still uses a page of ours that it should have let go", entry(r).domid);
}

std::uint32_t GrantTable::release_lingering()
{
    auto at = std::exchange(lingering_, end_of_list);
    lingering_count_ = 0;
    while (at != end_of_list) {
        auto r = at;
        at = slot(r);
        slot(r) = arch::Mmu::to_pseudo(Mfn{entry(r).frame}).raw();
        if (try_end(r)) {
            put(r);
            continue;
        }
        slot(r) = lingering_;
        lingering_ = r;
        ++lingering_count_;
    }
    return lingering_count_;
}
}  // namespace pv
