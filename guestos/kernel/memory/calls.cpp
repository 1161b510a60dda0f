// SPDX-License-Identifier: MIT
// The memory system calls: mmap(2) and relatives.
#include <kernel/fs/fd_table.hpp>
#include <kernel/memory/mman.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>

namespace kernel {
namespace {

constexpr std::uint32_t read_implies_exec = 0x40'0000;  // personality(2)
constexpr unsigned cap_ipc_lock = 14, cap_sys_rawio = 17;

AddressSpace &memory() { return *current().memory; }

std::uint32_t effective_prot(std::uint32_t prot)
{
    bool wide = (prot & page_read) && (current_process().personality & read_implies_exec);
    return wide ? prot | page_exec : prot;
}

Result<std::uint32_t> map_pages(Vaddr address, std::uint32_t bytes, std::uint32_t prot, std::uint32_t flags, int fd,
                                std::uint64_t offset)
{
    MapRequest q{
        .address = address, .bytes = bytes, .prot = effective_prot(prot), .flags = flags, .file = {}, .offset = 0};
    if (!(flags & map_anonymous)) {
        q.file = TRY(current().files->get(fd));
        q.offset = offset;
    }
    if ((flags & map_fixed) && address.raw() < mmap_minimum && !current().credentials.has_cap(cap_sys_rawio))
        return Error::perm;
    auto at = TRY(memory().map(q));
    // Parts of libraries: most programs go the same ways through their text and constants, and all of them fill in the same tables. What
    // is neither of these nor at a given place is mostly their whole file, which the parts are then mapped over.
    if (q.file && ((q.prot & (page_exec | page_write)) || (flags & map_fixed)))
        memory().map_expected(at, false);
    return at.raw();
}

Result<std::uint32_t> sys_mmap2(std::uint32_t address, std::uint32_t bytes, std::uint32_t prot, std::uint32_t flags,
                                int fd, std::uint32_t page)
{
    return map_pages(Vaddr{address}, bytes, prot, flags, fd, std::uint64_t{page} << page_shift);
}
SYSCALL(mmap2, 192, sys_mmap2);

struct OldMmap {  // struct mmap_arg_struct: what old_mmap's one argument points to
    std::uint32_t address, bytes, prot, flags;
    std::int32_t fd;
    std::uint32_t offset;
};
static_assert(sizeof(OldMmap) == 24);

Result<std::uint32_t> sys_mmap(UserPtr<OldMmap> arguments)
{
    auto a = TRY(arguments.read());
    if (a.offset % page_size != 0)
        return Error::inval;
    return map_pages(Vaddr{a.address}, a.bytes, a.prot, a.flags, a.fd, a.offset);
}
SYSCALL(mmap, 90, sys_mmap);

Result<> sys_munmap(std::uint32_t address, std::uint32_t bytes) { return memory().unmap(Vaddr{address}, bytes); }
SYSCALL(munmap, 91, sys_munmap);

Result<std::uint32_t> sys_brk(std::uint32_t address) { return TRY(memory().set_break(Vaddr{address})).raw(); }
SYSCALL(brk, 45, sys_brk);

Result<> sys_mprotect(std::uint32_t address, std::uint32_t bytes, std::uint32_t prot)
{
    return memory().protect(Vaddr{address}, bytes, effective_prot(prot));
}
SYSCALL(mprotect, 125, sys_mprotect);

Result<std::uint32_t> sys_mremap(std::uint32_t old, std::uint32_t old_bytes, std::uint32_t new_bytes,
                                 std::uint32_t flags, std::uint32_t fixed)
{
    return TRY(memory().remap(Vaddr{old}, old_bytes, new_bytes, flags, Vaddr{fixed})).raw();
}
SYSCALL(mremap, 163, sys_mremap);

Result<> sys_madvise(std::uint32_t address, std::uint32_t bytes, int advice)
{
    return memory().advise(Vaddr{address}, bytes, advice);
}
SYSCALL(madvise, 219, sys_madvise);

Result<> sys_msync(std::uint32_t address, std::uint32_t bytes, int flags)
{
    return memory().sync(Vaddr{address}, bytes, flags);
}
SYSCALL(msync, 144, sys_msync);

Result<> sys_mincore(std::uint32_t address, std::uint32_t bytes, std::uint32_t vector)
{
    Vaddr start{address};
    if (page_offset(start) != 0)
        return Error::inval;
    auto pages = pages_for(bytes);
    if (!user_range_ok(start, bytes))
        return Error::nomem;
    if (!user_range_ok(Vaddr{vector}, pages))
        return Error::fault;
    std::uint8_t part[256];
    for (std::uint32_t done = 0; done < pages;) {
        auto n = pages - done < sizeof part ? pages - done : std::uint32_t{sizeof part};
        TRY(memory().resident(start + (done << page_shift), n, part));
        TRY(copy_out(Vaddr{vector + done}, part, n));
        done += n;
    }
    return {};
}
SYSCALL(mincore, 218, sys_mincore);

// RLIMIT_MEMLOCK: 0 means not at all (EPERM), beyond it is ENOMEM.
Result<> may_lock(std::uint32_t more_pages)
{
    if (current().credentials.has_cap(cap_ipc_lock))
        return {};
    auto limit = memory_limit(rlimit_memlock);
    if (limit == 0)
        return Error::perm;
    if (limit != ~0u && (std::uint64_t{memory().locked_pages()} + more_pages) << page_shift > limit)
        return Error::nomem;
    return {};
}

constexpr unsigned mlock_onfault = 1;
Result<> sys_mlock2(std::uint32_t address, std::uint32_t bytes, unsigned flags)
{
    if (flags & ~mlock_onfault)
        return Error::inval;
    TRY(may_lock(pages_for(bytes + page_offset(Vaddr{address}))));
    return memory().lock(Vaddr{address}, bytes, true, !(flags & mlock_onfault));
}
SYSCALL(mlock2, 376, sys_mlock2);

Result<> sys_mlock(std::uint32_t address, std::uint32_t bytes) { return sys_mlock2(address, bytes, 0); }
SYSCALL(mlock, 150, sys_mlock);

Result<> sys_munlock(std::uint32_t address, std::uint32_t bytes)
{
    return memory().lock(Vaddr{address}, bytes, false, false);
}
SYSCALL(munlock, 151, sys_munlock);

enum LockAll : unsigned { mcl_current = 1, mcl_future = 2, mcl_onfault = 4 };
Result<> sys_mlockall(unsigned flags)
{
    if (flags == 0 || flags == mcl_onfault || (flags & ~(mcl_current | mcl_future | mcl_onfault)))
        return Error::inval;
    TRY(may_lock(flags & mcl_current ? memory().sizes().total_pages : 0));
    return memory().lock_all((flags & mcl_current) != 0, (flags & mcl_future) != 0, !(flags & mcl_onfault));
}
SYSCALL(mlockall, 152, sys_mlockall);

Result<> sys_munlockall() { return memory().lock_all(false, false, false); }
SYSCALL(munlockall, 153, sys_munlockall);

Result<> sys_remap_file_pages()
{
    return Error::nosys;  // obsolete; programs map the pages one by one instead
}
SYSCALL(remap_file_pages, 257, sys_remap_file_pages);
}  // namespace
}  // namespace kernel
