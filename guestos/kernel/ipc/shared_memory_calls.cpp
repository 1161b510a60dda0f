// SPDX-License-Identifier: MIT
// shmget(2), shmat(2), shmdt(2), shmctl(2): through ipc(2), as the C library calls them on i386, and by numbers of their own. Of System V's
// three kinds only this one is here.
#include <kernel/fs/file.hpp>
#include <kernel/ipc/shared_memory.hpp>
#include <kernel/memory/mman.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>
#include <linux/ipc.h>

namespace kernel {
namespace {
constexpr unsigned cap_ipc_lock = 14;
constexpr std::uint32_t read_access = 0444, write_access = 0222, execute_access = 0111;
enum ShmCommand : int { shm_lock = 11, shm_unlock = 12, shm_stat = 13, shm_info = 14, shm_stat_any = 15 };

Result<std::int32_t> sys_shmget(std::int32_t key, std::uint32_t bytes, std::uint32_t flags)
{
    auto *there = key == IPC_PRIVATE ? nullptr : find_segment_by_key(key);
    if (!there) {
        if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
            return Error::noent;
        if (bytes == 0 || bytes > shm_max_bytes || (flags & shm_hugetlb))
            return Error::inval;
        return TRY(Segment::make(key, bytes, flags))->id;
    }
    if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
        return Error::exist;
    if (bytes > there->state.shm_segsz)
        return Error::inval;
    if (!there->may(flags))
        return Error::acces;
    return there->id;
}
SYSCALL(shmget, 395, sys_shmget);

Result<Vaddr> place_for(std::uint32_t address, std::uint32_t flags)
{
    if (page_offset(Vaddr{address}) == 0)
        return Vaddr{address};
    auto rounded = page_floor(Vaddr{address});
    if (!(flags & shm_rnd) || (rounded.raw() == 0 && (flags & shm_remap)))
        return Error::inval;
    return rounded;
}

Result<std::uint32_t> sys_shmat(std::int32_t id, std::uint32_t address, std::uint32_t flags)
{
    if (address == 0 && (flags & shm_remap))
        return Error::inval;
    auto at = TRY(place_for(address, flags));
    bool const read_only = (flags & shm_rdonly) != 0;
    auto *found = find_segment(id);
    if (!found)
        return Error::inval;
    Ref<Segment> segment{found};
    if (!segment->may(read_access | (read_only ? 0 : write_access) | (flags & shm_exec ? execute_access : 0)))
        return Error::acces;
    auto &memory = *current().memory;
    auto bytes = segment->pages() << page_shift;
    if (at.raw() != 0 && !(flags & shm_remap)) {
        bool const fits = at < arch::user_limit && bytes <= arch::user_limit - at;
        if (!fits || memory.regions().overlaps(at, at + bytes))
            return Error::inval;
    }
    MapRequest q{.address = at,
                 .bytes = bytes,
                 .prot = page_read | (read_only ? 0u : page_write) | (flags & shm_exec ? page_exec : 0u),
                 .flags = map_shared | (at.raw() != 0 ? map_fixed : 0u),
                 .file = {},
                 .offset = 0,
                 .object = segment,
                 .read_only = read_only};
    return TRY(memory.map(q)).raw();
}
SYSCALL(shmat, 397, sys_shmat);

// The attachment that begins at `address`, with the holes and the changes of protection that munmap(2) and mprotect(2) have made.
Result<> sys_shmdt(std::uint32_t address)
{
    Vaddr const start{address};
    if (page_offset(start) != 0)
        return Error::inval;
    auto &memory = *current().memory;
    Ref<Segment> segment;
    for (auto r = memory.regions().first_from(start); r;) {
        Vaddr const from = r->start, to = r->end;
        bool const piece = r->object && from - start == r->first_index << page_shift;
        if (piece && !segment)
            for (auto &s : segments())
                if (&s == r->object.get())
                    segment = Ref<Segment>{&s};
        if (segment && to - start > segment->size())
            break;
        if (piece && segment && r->object.get() == segment.get())
            TRY(memory.unmap(from, to - from));
        r = memory.regions().first_from(to);
    }
    return segment ? Result<>{} : Result<>{Error::inval};
}
SYSCALL(shmdt, 398, sys_shmdt);

// For SHM_STAT the argument counts segments; the number of the one that was meant is the result.
Result<std::int32_t> status(int command, std::int32_t which, UserPtr<shmid64_ds> out)
{
    Segment *s = nullptr;
    if (command == IPC_STAT) {
        s = find_segment(which);
    } else {
        std::int32_t index = 0;
        for (auto &each : segments())
            if (index++ == which)
                s = &each;
    }
    if (!s)
        return Error::inval;
    if (command != shm_stat_any && !s->may(read_access))
        return Error::acces;
    auto const id = command == IPC_STAT ? 0 : s->id;
    TRY(out.write(s->state));
    return id;
}

std::int32_t highest_index()
{
    auto count = static_cast<std::int32_t>(segment_totals().count);
    return count == 0 ? 0 : count - 1;
}

Result<std::int32_t> limits(UserPtr<shminfo64> out)
{
    shminfo64 info{};
    info.shmmax = shm_max_bytes;
    info.shmmin = 1;
    info.shmmni = info.shmseg = shm_max_segments;
    info.shmall = shm_max_pages;
    TRY(out.write(info));
    return highest_index();
}

struct ShmInfo {  // struct shm_info of linux/shm.h
    std::int32_t used_ids;
    std::uint32_t total, resident, swapped, swap_attempts, swap_successes;
};
static_assert(sizeof(ShmInfo) == 24);

Result<std::int32_t> use(UserPtr<ShmInfo> out)
{
    auto t = segment_totals();
    TRY(out.write({static_cast<std::int32_t>(t.count), t.pages, t.resident, 0, 0, 0}));
    return highest_index();
}

Result<std::int32_t> set_owner(std::int32_t id, UserPtr<shmid64_ds> in)
{
    auto wanted = TRY(in.read());
    auto *s = find_segment(id);
    if (!s)
        return Error::inval;
    if (!s->owned_by_caller())
        return Error::perm;
    auto &perm = s->state.shm_perm;
    perm.uid = wanted.shm_perm.uid;
    perm.gid = wanted.shm_perm.gid;
    perm.mode = static_cast<std::uint16_t>((perm.mode & ~0777) | (wanted.shm_perm.mode & 0777));
    s->changed();
    return 0;
}

Result<std::int32_t> remove(std::int32_t id)
{
    auto *s = find_segment(id);
    if (!s)
        return Error::inval;
    if (!s->owned_by_caller())
        return Error::perm;
    s->remove();
    return 0;
}

// There is no swap: pages stay anyway.
Result<std::int32_t> set_locked(std::int32_t id, bool on)
{
    auto *s = find_segment(id);
    if (!s)
        return Error::inval;
    auto const &me = current().credentials;
    bool const owner = me.euid == s->state.shm_perm.uid || me.euid == s->state.shm_perm.cuid;
    if (!me.has_cap(cap_ipc_lock) && (!owner || (on && memory_limit(rlimit_memlock) == 0)))
        return Error::perm;
    auto &mode = s->state.shm_perm.mode;
    mode = static_cast<std::uint16_t>(on ? mode | shm_locked : mode & ~shm_locked);
    return 0;
}

Result<std::int32_t> sys_shmctl(std::int32_t id, int command, std::uint32_t buffer)
{
    if (id < 0 || command < 0)
        return Error::inval;
    switch (command) {
    case IPC_RMID: return remove(id);
    case IPC_SET: return set_owner(id, UserPtr<shmid64_ds>{buffer});
    case IPC_STAT:
    case shm_stat:
    case shm_stat_any: return status(command, id, UserPtr<shmid64_ds>{buffer});
    case IPC_INFO: return limits(UserPtr<shminfo64>{buffer});
    case shm_info: return use(UserPtr<ShmInfo>{buffer});
    case shm_lock:
    case shm_unlock: return set_locked(id, command == shm_lock);
    default: return Error::inval;
    }
}
SYSCALL(shmctl, 396, sys_shmctl);

// The high half of `call` is a version, of which only shmat(2)'s 0 has a meaning; structures are the newer ones (IPC_64), which every
// C library since 1999 asks for.
Result<std::int32_t> sys_ipc(std::uint32_t call, std::int32_t first, std::uint32_t second, std::uint32_t third,
                             std::uint32_t pointer)
{
    switch (call & 0xffff) {
    case SHMAT: {
        if (call >> 16 == 1)
            return Error::inval;
        auto at = TRY(sys_shmat(first, pointer, second));
        TRY(UserPtr<std::uint32_t>{third}.write(at));
        return 0;
    }
    case SHMDT: TRY(sys_shmdt(pointer)); return 0;
    case SHMGET: return sys_shmget(first, second, third);
    case SHMCTL:
        if (!(second & IPC_64) && second != IPC_RMID && second != shm_lock && second != shm_unlock)
            return Error::inval;
        return sys_shmctl(first, static_cast<int>(second & ~std::uint32_t{IPC_64}), pointer);
    default: return Error::nosys;
    }
}
SYSCALL(ipc, 117, sys_ipc);

Result<> absent() { return Error::nosys; }
SYSCALL(semget, 393, absent);
SYSCALL(semctl, 394, absent);
SYSCALL(msgget, 399, absent);
SYSCALL(msgsnd, 400, absent);
SYSCALL(msgrcv, 401, absent);
SYSCALL(msgctl, 402, absent);
SYSCALL(semtimedop_time64, 420, absent);
}  // namespace
}  // namespace kernel
