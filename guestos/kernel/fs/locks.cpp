// SPDX-License-Identifier: MIT
#include <kernel/fs/locks.hpp>
#include <kernel/lazy.hpp>
#include <kernel/process/process.hpp>
#include <lib/format.hpp>
#include <memory>

namespace kernel {
using ListHook = boost::intrusive::list_base_hook<>;
namespace {
struct Lock : ListHook {
    LockRequest r;
};
using LockList = boost::intrusive::list<Lock, boost::intrusive::constant_time_size<false>>;
}  // namespace

struct LockTable : ListHook {
    Inode *inode = nullptr;
    LockList locks;  // of one owner and kind: sorted, not overlapping, not adjacent with equal type
    WaitQueue changed;
    unsigned waiting = 0;
};

namespace {
struct LockWait : ListHook {  // one thread waiting for a process lock: an edge of the wait-for graph
    void const *owner, *blocker;
};
constinit Lazy<boost::intrusive::list<LockTable, boost::intrusive::constant_time_size<false>>> tables;
constinit Lazy<boost::intrusive::list<LockWait, boost::intrusive::constant_time_size<false>>> waits;

bool same_owner(LockRequest const &a, LockRequest const &b) { return a.kind == b.kind && a.owner == b.owner; }
bool overlap(LockRange const &a, LockRange const &b) { return a.start <= b.end && b.start <= a.end; }
// flock(2) and fcntl(2) locks do not see each other; process and description locks do.
bool conflict(LockRequest const &a, LockRequest const &b)
{
    return (a.kind == LockKind::flock) == (b.kind == LockKind::flock) && !same_owner(a, b)
        && (a.type == LockType::write || b.type == LockType::write) && overlap(a.range, b.range);
}

Lock *blocker_of(LockTable &table, LockRequest const &wanted)
{
    for (auto &l : table.locks)
        if (conflict(l.r, wanted))
            return &l;
    return nullptr;
}

Result<LockTable *> table_of(Inode &inode)
{
    if (!inode.locks) {
        inode.locks = new (std::nothrow) LockTable;
        if (!inode.locks)
            return Error::nolck;
        inode.locks->inode = &inode;
        tables->push_back(*inode.locks);
    }
    return inode.locks;
}

void free_if_empty(Inode &inode)
{
    auto *table = inode.locks;
    if (!table || !table->locks.empty() || table->waiting != 0)
        return;
    tables->erase(tables->iterator_to(*table));
    inode.locks = nullptr;
    delete table;
}

// Follows who waits for whom from `blocker`; the graph has one edge per waiting owner at a time, threads aside, so the
// walk is bounded by the number of waits.
bool would_deadlock(void const *owner, void const *blocker)
{
    unsigned steps = 0;
    for (auto w = waits->begin(); w != waits->end();) {
        if (w->owner != blocker) {
            ++w;
            continue;
        }
        blocker = w->blocker;
        if (blocker == owner)
            return true;
        if (++steps > 1000)
            return false;
        w = waits->begin();
    }
    return false;
}

void erase(LockTable &table, Lock &l)
{
    table.locks.erase(table.locks.iterator_to(l));
    delete &l;
}

// Takes `range` away from the owner's locks; a lock that is cut in two needs `spare` for its second half.
void carve(LockTable &table, LockRequest const &r, Lock *&spare)
{
    for (auto i = table.locks.begin(); i != table.locks.end();) {
        auto &l = *i++;
        if (!same_owner(l.r, r) || !overlap(l.r.range, r.range))
            continue;
        bool const before = l.r.range.start<r.range.start, after = l.r.range.end> r.range.end;
        if (before && after) {
            spare->r = l.r;
            spare->r.range.start = r.range.end + 1;
            table.locks.insert(i, *std::exchange(spare, nullptr));
            l.r.range.end = r.range.start - 1;
        } else if (before) {
            l.r.range.end = r.range.start - 1;
        } else if (after) {
            l.r.range.start = r.range.end + 1;
        } else {
            erase(table, l);
        }
    }
}

// Joins with the owner's neighbours of the same type.
void insert(LockTable &table, Lock &fresh)
{
    auto &r = fresh.r;
    for (auto i = table.locks.begin(); i != table.locks.end();) {
        auto &l = *i++;
        if (!same_owner(l.r, r) || l.r.type != r.type)
            continue;
        if (l.r.range.end != lock_to_eof && l.r.range.end + 1 == r.range.start)
            r.range.start = l.r.range.start;
        else if (r.range.end != lock_to_eof && r.range.end + 1 == l.r.range.start)
            r.range.end = l.r.range.end;
        else
            continue;
        erase(table, l);
    }
    auto at = table.locks.begin();
    while (at != table.locks.end() && at->r.range.start < r.range.start)
        ++at;
    table.locks.insert(at, fresh);
}

Result<> wait_for(LockTable &table, LockRequest const &r, void const *blocker)
{
    LockWait edge;
    edge.owner = r.owner;
    edge.blocker = blocker;
    bool const graph = r.kind == LockKind::process;
    if (graph && would_deadlock(r.owner, blocker))
        return Error::deadlk;
    if (graph)
        waits->push_back(edge);
    ++table.waiting;
    auto slept = wait_until(table.changed, [&] {
        auto *b = blocker_of(table, r);
        return !b || b->r.owner != blocker;
    });
    --table.waiting;
    if (graph)
        waits->erase(waits->iterator_to(edge));
    return slept;
}

template <class Gone>
void release(Inode &inode, Gone gone)
{
    auto *table = inode.locks;
    if (!table)
        return;
    bool any = false;
    for (auto i = table->locks.begin(); i != table->locks.end();) {
        auto &l = *i++;
        if (gone(l.r)) {
            erase(*table, l);
            any = true;
        }
    }
    if (any)
        table->changed.wake_all();
    free_if_empty(inode);
}
}  // namespace

Result<> set_lock(Inode &inode, LockRequest const &r, bool wait)
{
    auto *table = TRY(table_of(inode));
    // Changing a flock(2) lock's type gives the old one up first: it is not atomic (flock(2), NOTES).
    if (r.kind == LockKind::flock && r.type != LockType::unlock) {
        for (auto &l : table->locks)
            if (same_owner(l.r, r) && l.r.type == r.type)
                return {};
    }
    std::unique_ptr<Lock> fresh{new (std::nothrow) Lock}, spare{new (std::nothrow) Lock};
    if (!fresh || !spare) {
        free_if_empty(inode);
        return Error::nolck;
    }
    Lock *second = spare.release();
    if (r.kind == LockKind::flock) {
        carve(*table, r, second);
        table->changed.wake_all();
    }
    while (r.type != LockType::unlock) {
        auto *blocker = blocker_of(*table, r);
        if (!blocker)
            break;
        auto waited = wait ? wait_for(*table, r, blocker->r.owner) : Result<>{Error::again};
        if (!waited.ok()) {
            delete second;
            free_if_empty(inode);
            return waited.error();
        }
    }
    carve(*table, r, second);
    delete second;
    if (r.type != LockType::unlock) {
        fresh->r = r;
        insert(*table, *fresh.release());
    }
    table->changed.wake_all();
    free_if_empty(inode);
    return {};
}

bool find_conflict(Inode &inode, LockRequest const &wanted, LockRequest &found)
{
    auto *blocker = inode.locks ? blocker_of(*inode.locks, wanted) : nullptr;
    if (blocker)
        found = blocker->r;
    return blocker != nullptr;
}

void release_process_locks(Inode &inode, FdTable const *table)
{
    release(inode, [&](LockRequest const &r) { return r.kind == LockKind::process && r.owner == table; });
}

void release_file_locks(Inode &inode, File const *file)
{
    release(inode, [&](LockRequest const &r) { return r.kind != LockKind::process && r.owner == file; });
}

bool describe_lock(unsigned index, char *line, std::size_t size)
{
    unsigned n = 0;
    for (auto &table : *tables) {
        for (auto &l : table.locks) {
            if (n++ != index)
                continue;
            char const *kind = l.r.kind == LockKind::flock ? "FLOCK "
                : l.r.kind == LockKind::process            ? "POSIX "
                                                           : "OFDLCK";
            char end[24] = "EOF";
            if (l.r.range.end != lock_to_eof)
                format(end, sizeof end, "%llu", static_cast<unsigned long long>(l.r.range.end));
            format(line, size, "%u: %s ADVISORY  %s %d 00:%02x:%llu %llu %s\n", n, kind,
                   l.r.type == LockType::write ? "WRITE" : "READ ", static_cast<int>(l.r.pid),
                   table.inode->super.device, static_cast<unsigned long long>(table.inode->attributes.ino),
                   static_cast<unsigned long long>(l.r.range.start), end);
            return true;
        }
    }
    return false;
}
}  // namespace kernel
