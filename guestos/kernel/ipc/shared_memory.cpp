// SPDX-License-Identifier: MIT
#include <kernel/fs/names.hpp>
#include <kernel/ipc/shared_memory.hpp>
#include <kernel/lazy.hpp>
#include <kernel/process/process.hpp>
#include <kernel/procfs/procfs.hpp>
#include <lib/format.hpp>
#include <linux/ipc.h>

namespace kernel {
namespace {
constexpr unsigned cap_ipc_owner = 15, cap_sys_admin = 21;
constinit Lazy<SegmentTable> table;
constinit std::int32_t next_id = 0;

std::int32_t free_id()
{
    while (find_segment(next_id))
        next_id = (next_id + 1) & 0x7fff'ffff;
    auto id = next_id;
    next_id = (next_id + 1) & 0x7fff'ffff;
    return id;
}

// Seconds in two halves, as the structure has them.
void set_time(unsigned long &low, unsigned long &high)
{
    auto seconds = static_cast<std::uint64_t>(now().seconds);
    low = static_cast<std::uint32_t>(seconds);
    high = static_cast<std::uint32_t>(seconds >> 32);
}
std::uint64_t time_of(unsigned long low, unsigned long high) { return std::uint64_t{high} << 32 | low; }

std::int32_t caller()
{
    auto const &process = current().process;
    return process ? process->pid : 0;
}
}  // namespace

SegmentTable &segments() { return *table; }

Segment *find_segment(std::int32_t id)
{
    for (auto &s : *table)
        if (s.id == id)
            return &s;
    return nullptr;
}

Segment *find_segment_by_key(std::int32_t key)
{
    for (auto &s : *table)
        if (s.state.shm_perm.key == key)
            return &s;
    return nullptr;
}

SegmentTotals segment_totals()
{
    SegmentTotals t;
    for (auto &s : *table)
        ++t.count, t.pages += s.pages(), t.resident += s.resident();
    return t;
}

Result<Segment *> Segment::make(std::int32_t key, std::uint32_t bytes, std::uint32_t mode)
{
    auto totals = segment_totals();
    if (totals.count >= shm_max_segments || std::uint64_t{totals.pages} + pages_for(bytes) > shm_max_pages)
        return Error::nospc;
    auto *s = new (std::nothrow) Segment{free_id()};
    if (!s)
        return Error::nomem;
    auto const &me = current().credentials;
    auto &perm = s->state.shm_perm;
    perm.key = key;
    perm.uid = perm.cuid = me.euid;
    perm.gid = perm.cgid = me.egid;
    perm.mode = static_cast<std::uint16_t>(mode & 0777);
    s->state.shm_segsz = bytes;
    s->state.shm_cpid = caller();
    s->changed();
    format(s->name_, sizeof s->name_, "/SYSV%08x (deleted)", static_cast<unsigned>(key));
    s->ref();  // the table's
    table->push_back(*s);
    return s;
}

Segment::~Segment() { table->erase(table->iterator_to(*this)); }

void Segment::mapping_added()
{
    ++state.shm_nattch;
    state.shm_lpid = caller();
    set_time(state.shm_atime, state.shm_atime_high);
}

void Segment::mapping_removed()
{
    --state.shm_nattch;
    state.shm_lpid = caller();
    set_time(state.shm_dtime, state.shm_dtime_high);
}

void Segment::changed() { set_time(state.shm_ctime, state.shm_ctime_high); }

// The last region may have gone before: then this is the end of it.
void Segment::remove()
{
    if (state.shm_perm.mode & shm_dest)
        return;
    state.shm_perm.mode |= shm_dest;
    state.shm_perm.key = IPC_PRIVATE;
    unref();
}

bool Segment::may(std::uint32_t wanted) const
{
    auto const &me = current().credentials;
    auto const &perm = state.shm_perm;
    wanted = (wanted >> 6 | wanted >> 3 | wanted) & 7;
    unsigned granted = perm.mode;
    if (me.euid == perm.cuid || me.euid == perm.uid)
        granted >>= 6;
    else if (me.in_group(perm.cgid) || me.in_group(perm.gid))
        granted >>= 3;
    return (wanted & ~granted) == 0 || me.has_cap(cap_ipc_owner);
}

bool Segment::owned_by_caller() const
{
    auto const &me = current().credentials;
    return me.euid == state.shm_perm.uid || me.euid == state.shm_perm.cuid || me.has_cap(cap_sys_admin);
}

Result<> show_shared_memory(Text &out, ProcTarget const &)
{
    out.append(
        "       key      shmid perms       size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      "
        "ctime        rss       swap\n");
    for (auto &s : *table) {
        auto const &perm = s.state.shm_perm;
        out.print("%10d %10d  %4o %10u %5u %5u  %5u %5u %5u %5u %5u %10llu %10llu %10llu %10u %10u\n", perm.key, s.id,
                  unsigned{perm.mode}, static_cast<unsigned>(s.state.shm_segsz),
                  static_cast<unsigned>(s.state.shm_cpid), static_cast<unsigned>(s.state.shm_lpid),
                  static_cast<unsigned>(s.state.shm_nattch), perm.uid, perm.gid, perm.cuid, perm.cgid,
                  time_of(s.state.shm_atime, s.state.shm_atime_high), time_of(s.state.shm_dtime, s.state.shm_dtime_high),
                  time_of(s.state.shm_ctime, s.state.shm_ctime_high), s.resident() << page_shift, 0u);
    }
    return {};
}
}  // namespace kernel
