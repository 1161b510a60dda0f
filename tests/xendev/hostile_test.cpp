// SPDX-License-Identifier: MIT
// Programs that use /dev/xen as nobody should. What each gets, and that nothing is lost by it: frames, ports, grants.
#include "device.hpp"
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <pv/grant_table.h>
#include <pv/sys/evtchn.h>
#include <pv/sys/gntalloc.h>
#include <pv/sys/gntdev.h>
#include <pv/sys/privcmd.h>
#include <pv/xen.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace xendev;

namespace {
constexpr std::size_t page = 4096;
constexpr unsigned too_large = 0xffffffff;

long failed(void *p) { return p == MAP_FAILED ? -1 : 0; }

long free_kilobytes()
{
    std::ifstream file("/proc/meminfo");
    std::string name, unit;
    long value = 0;
    while (file >> name >> value)
        if (name == "MemFree:")
            return value;
        else
            std::getline(file, unit);
    return 0;
}

// Does `act` in child processes, each of which is killed; free memory must not go down with their number.
template <class F>
void nothing_is_lost(unsigned rounds, F act)
{
    auto round = [&] {
        int status = posix::child_status([&] {
            act();
            raise(SIGKILL);
        });
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    };
    for (int i = 0; i < 3; ++i)
        round();  // caches are warm, tables have grown
    auto before = free_kilobytes();
    for (unsigned i = 0; i < rounds; ++i)
        round();
    long allowance = rounds * 2;  // less than a frame for each round
    CHECK(posix::eventually([&] { return free_kilobytes() > before - allowance; }));
}

struct Pair {  // pages granted to this domain itself, and their second mapping
    int pages = open_device("gntalloc"), grants = open_device("gntdev");
    std::uint64_t index = 0;
    unsigned count;
    std::vector<unsigned> refs;
    char *first = nullptr, *second = nullptr;
    explicit Pair(unsigned n) : count{n}, refs(n)
    {
        auto self = own_domain();
        std::vector<char> room(sizeof(ioctl_gntalloc_alloc_gref) + n * 4);
        auto &q = *reinterpret_cast<ioctl_gntalloc_alloc_gref *>(room.data());
        q.domid = static_cast<std::uint16_t>(self);
        q.flags = GNTALLOC_FLAG_WRITABLE;
        q.count = n;
        CHECK_EQ(ioctl(pages, IOCTL_GNTALLOC_ALLOC_GREF, &q), 0);
        first = static_cast<char *>(
            mmap(nullptr, n * page, PROT_READ | PROT_WRITE, MAP_SHARED, pages, static_cast<off_t>(q.index)));
        CHECK(first != MAP_FAILED);
        std::vector<char> more(sizeof(ioctl_gntdev_map_grant_ref) + n * 8);
        auto &m = *reinterpret_cast<ioctl_gntdev_map_grant_ref *>(more.data());
        m.count = n;
        for (unsigned i = 0; i < n; ++i)
            m.refs[i] = {self, refs[i] = q.gref_ids[i]};
        CHECK_EQ(ioctl(grants, IOCTL_GNTDEV_MAP_GRANT_REF, &m), 0);
        index = m.index;
        second = static_cast<char *>(
            mmap(nullptr, n * page, PROT_READ | PROT_WRITE, MAP_SHARED, grants, static_cast<off_t>(index)));
        CHECK(second != MAP_FAILED);
    }
};
}  // namespace

TEST(hostile, counts_and_pointers)
{
    int grants = open_device("gntdev"), pages = open_device("gntalloc"), events = open_device("evtchn");
    for (unsigned count : {0u, 1025u, 0x20000000u, 0x80000000u, too_large}) {
        ioctl_gntdev_map_grant_ref m{};
        m.count = count;
        CHECK_ERRNO(ioctl(grants, IOCTL_GNTDEV_MAP_GRANT_REF, &m), EINVAL);
    }
    for (unsigned count : {1025u, 0x40000001u, too_large}) {
        ioctl_gntalloc_alloc_gref a{};
        a.count = count;
        CHECK_ERRNO(ioctl(pages, IOCTL_GNTALLOC_ALLOC_GREF, &a), ENOSPC);
        ioctl_gntalloc_dealloc_gref d{0, count};
        CHECK_ERRNO(ioctl(pages, IOCTL_GNTALLOC_DEALLOC_GREF, &d), EINVAL);
        ioctl_gntdev_grant_copy c{count, nullptr};
        CHECK_ERRNO(ioctl(grants, IOCTL_GNTDEV_GRANT_COPY, &c), EINVAL);
    }
    for (std::uintptr_t at : {std::uintptr_t{16}, std::uintptr_t{0xc0000000}, std::uintptr_t{0xfffffff8}}) {
        auto p = reinterpret_cast<void *>(at);
        for (auto command : {IOCTL_GNTDEV_MAP_GRANT_REF, IOCTL_GNTDEV_UNMAP_GRANT_REF, IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR,
                             IOCTL_GNTDEV_SET_MAX_GRANTS, IOCTL_GNTDEV_SET_UNMAP_NOTIFY, IOCTL_GNTDEV_GRANT_COPY})
            CHECK_ERRNO(ioctl(grants, command, p), EFAULT);
        for (auto command : {IOCTL_GNTALLOC_ALLOC_GREF, IOCTL_GNTALLOC_DEALLOC_GREF, IOCTL_GNTALLOC_SET_UNMAP_NOTIFY})
            CHECK_ERRNO(ioctl(pages, command, p), EFAULT);
        for (auto command : {IOCTL_EVTCHN_BIND_VIRQ, IOCTL_EVTCHN_BIND_INTERDOMAIN, IOCTL_EVTCHN_BIND_UNBOUND_PORT,
                             IOCTL_EVTCHN_UNBIND, IOCTL_EVTCHN_NOTIFY, IOCTL_EVTCHN_RESTRICT_DOMID})
            CHECK_ERRNO(ioctl(events, command, p), EFAULT);
    }
    CHECK_ERRNO(ioctl(grants, 0x4711, nullptr), ENOTTY);
    CHECK_ERRNO(ioctl(pages, 0x4711, nullptr), ENOTTY);
}

// A list of references that runs into nothing: no index is left behind by it.
TEST(hostile, half_of_an_argument)
{
    int grants = open_device("gntdev"), pages = open_device("gntalloc");
    auto edge = static_cast<char *>(mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK_EQ(munmap(edge + page, page), 0);
    auto &m = *reinterpret_cast<ioctl_gntdev_map_grant_ref *>(edge + page - sizeof(ioctl_gntdev_map_grant_ref));
    m.count = 512;
    CHECK_ERRNO(ioctl(grants, IOCTL_GNTDEV_MAP_GRANT_REF, &m), EFAULT);
    ioctl_gntdev_map_grant_ref one{};
    one.count = 1;
    CHECK_EQ(ioctl(grants, IOCTL_GNTDEV_MAP_GRANT_REF, &one), 0);
    CHECK_EQ(one.index, 0u);
    // Of sixteen grants made, the numbers of most cannot be told: all of them go again, and what there is suffices for ever.
    auto &a = *reinterpret_cast<ioctl_gntalloc_alloc_gref *>(edge + page - sizeof(ioctl_gntalloc_alloc_gref));
    for (int i = 0; i < 200; ++i) {
        a = {static_cast<std::uint16_t>(own_domain()), GNTALLOC_FLAG_WRITABLE, 16, 0, {0}};
        CHECK_ERRNO(ioctl(pages, IOCTL_GNTALLOC_ALLOC_GREF, &a), EFAULT);
    }
}

// What page-table entries of grants must never be: moved, narrowed, dropped, inherited, or unmapped a second time.
TEST(hostile, mappings_stay_as_they_are)
{
    Pair p{4};
    CHECK_ERRNO(mprotect(p.second, page, PROT_READ), EACCES);
    CHECK_ERRNO(mprotect(p.second, page, PROT_NONE), EACCES);
    CHECK(mremap(p.second, 4 * page, 8 * page, MREMAP_MAYMOVE) == MAP_FAILED);
    CHECK(mremap(p.second, 4 * page, 2 * page, 0) == MAP_FAILED);
    CHECK(madvise(p.second, page, MADV_DONTNEED) != 0);
    std::strcpy(p.first, "still there");
    CHECK_EQ(std::string{p.second}, std::string{"still there"});
    CHECK(madvise(p.second, page, MADV_DOFORK) != 0);
    // Something else is mapped over two of the pages, then over all.
    auto over = mmap(p.second + page, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(over == p.second + page);
    CHECK_EQ(p.second[page], 0);
    p.first[3 * page] = 'l';
    CHECK_EQ(p.second[3 * page], 'l');
    CHECK_EQ(munmap(p.second, 4 * page), 0);
    CHECK_EQ(munmap(p.second, 4 * page), 0);
    ioctl_gntdev_unmap_grant_ref u{p.index, 4, 0};
    CHECK_EQ(ioctl(p.grants, IOCTL_GNTDEV_UNMAP_GRANT_REF, &u), 0);
    CHECK_ERRNO(ioctl(p.grants, IOCTL_GNTDEV_UNMAP_GRANT_REF, &u), ENOENT);
    CHECK_ERRNO(failed(mmap(nullptr, 4 * page, PROT_READ, MAP_SHARED, p.grants, static_cast<off_t>(p.index))), EINVAL);
}

// The kernel reads and writes through such mappings where the program could, and finds no frame of its own there.
TEST(hostile, as_a_systems_calls_buffer)
{
    Pair p{1};
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    std::strcpy(p.first, "through");
    CHECK_EQ(write(ends[1], p.second, 8), 8);
    CHECK_EQ(read(ends[0], p.second + 100, 8), 8);
    CHECK_EQ(std::string{p.first + 100}, std::string{"through"});
    char local[8] = "";
    iovec to{local, 8}, from{p.second, 8};
    CHECK(process_vm_readv(getpid(), &to, 1, &from, 1, 0) != 8 || std::string{local} == "through");
    // A copy whose program's side is itself such a mapping.
    auto self = static_cast<domid_t>(own_domain());
    ioctl_gntdev_grant_copy_segment s{};
    s.source.foreign = {p.refs[0], 0, self};
    s.dest.virt = p.second + 200;
    s.len = 8;
    s.flags = GNTCOPY_source_gref;
    ioctl_gntdev_grant_copy q{1, &s};
    CHECK_ERRNO(ioctl(p.grants, IOCTL_GNTDEV_GRANT_COPY, &q), EFAULT);
    s.dest.virt = reinterpret_cast<void *>(0xc0000000);
    CHECK_ERRNO(ioctl(p.grants, IOCTL_GNTDEV_GRANT_COPY, &q), EFAULT);
    s.dest.virt = const_cast<char *>("read only");
    CHECK_ERRNO(ioctl(p.grants, IOCTL_GNTDEV_GRANT_COPY, &q), EFAULT);
    s.flags = 0;  // no side is a grant
    CHECK_ERRNO(ioctl(p.grants, IOCTL_GNTDEV_GRANT_COPY, &q), EINVAL);
}

// A child has the files but not the mapping; what it does with the files is done to its parent's, and ends nothing of the parent's.
TEST(hostile, fork_with_mapped_grants)
{
    Pair p{2};
    std::strcpy(p.first, "parent's");
    int status = posix::child_status([&] {
        CHECK(madvise(p.second, page, MADV_NORMAL) != 0);  // nothing is mapped there
        CHECK_EQ(std::string{p.first}, std::string{"parent's"});
        ioctl_gntdev_unmap_grant_ref u{p.index, 2, 0};
        CHECK_EQ(ioctl(p.grants, IOCTL_GNTDEV_UNMAP_GRANT_REF, &u), 0);
        CHECK_EQ(close(p.grants), 0);
        CHECK_EQ(munmap(p.first, 2 * page), 0);
    });
    CHECK_EQ(status, 0);
    CHECK_EQ(std::string{p.second}, std::string{"parent's"});
    p.second[0] = 'P';
    CHECK_EQ(p.first[0], 'P');
}

TEST(hostile, ends_without_unmapping)
{
    nothing_is_lost(40, [] {
        Pair p{64};
        std::memset(p.second, 1, 64 * page);
        close(p.grants);
        close(p.pages);
    });
}

// The granter forgets pages that are mapped; they stay with whoever has them, and then go.
TEST(hostile, granted_pages_that_go_while_mapped)
{
    nothing_is_lost(40, [] {
        Pair p{64};
        ioctl_gntalloc_dealloc_gref d{0, 64};
        CHECK_EQ(ioctl(p.pages, IOCTL_GNTALLOC_DEALLOC_GREF, &d), 0);
        CHECK_ERRNO(ioctl(p.pages, IOCTL_GNTALLOC_DEALLOC_GREF, &d), EINVAL);
        CHECK_EQ(munmap(p.first, 64 * page), 0);
        std::memset(p.second, 2, 64 * page);
    });
}

TEST(hostile, all_grants_of_the_table)
{
    nothing_is_lost(3, [] {
        int pages = open_device("gntalloc");
        unsigned made = 0;
        ioctl_gntalloc_alloc_gref a{0, 0, 1, 0, {0}};
        while (made <= 1024 && ioctl(pages, IOCTL_GNTALLOC_ALLOC_GREF, &a) == 0)
            ++made;
        CHECK(made > 500 && made <= 1024);
        CHECK_EQ(errno, ENOSPC);
    });
}

TEST(hostile, all_ports)
{
    nothing_is_lost(3, [] {
        int events = open_device("evtchn");
        ioctl_evtchn_bind_unbound_port unbound{own_domain()};
        unsigned made = 0;
        while (made <= 1024 && ioctl(events, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &unbound) > 0)
            ++made;
        CHECK(made > 500 && made < 1024);  // a 32-bit domain's limit
        CHECK_EQ(errno, ENOSPC);
    });
}

TEST(hostile, ports_of_others)
{
    int events = open_device("evtchn");
    for (unsigned port : {0u, 1u, 2u, 1023u, 1024u, 4095u, too_large}) {
        ioctl_evtchn_notify n{port};
        CHECK_ERRNO(ioctl(events, IOCTL_EVTCHN_NOTIFY, &n), ENOTCONN);
        ioctl_evtchn_unbind u{port};
        CHECK_ERRNO(ioctl(events, IOCTL_EVTCHN_UNBIND, &u), ENOTCONN);
        CHECK_EQ(write(events, &port, sizeof port), 4);  // unmasks nothing
    }
    for (unsigned virq : {0u, 24u, 0x80000000u, too_large}) {  // 0: the kernel's timer
        ioctl_evtchn_bind_virq v{virq};
        CHECK(ioctl(events, IOCTL_EVTCHN_BIND_VIRQ, &v) < 0);
    }
    for (unsigned domain : {0x7ff0u, 0x7ff4u, 999u}) {
        ioctl_evtchn_bind_interdomain b{domain, 1};
        CHECK(ioctl(events, IOCTL_EVTCHN_BIND_INTERDOMAIN, &b) < 0);
    }
}

// Frames that no machine has, that are the hypervisor's, or that nobody owns; lists that run out of their mapping.
TEST(hostile, foreign_frames)
{
    if (!is_domain_0())
        return;
    int fd = open_device("privcmd");
    auto p = static_cast<char *>(mmap(nullptr, 8 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    CHECK(p != MAP_FAILED);
    auto at = reinterpret_cast<std::uintptr_t>(p);
    privcmd_mmap_entry entries[] = {{at, 0xfffff, 0xffffffff}, {at, 0xfffffff0, 8}, {at + 4 * page, 0x100, 8},
                                    {0xc0000000, 0x100, 1},    {at, 0x100, ~0ull},  {at + 1, 0x100, 1},
                                    {at + (1ull << 32), 0, 1}};
    for (auto &e : entries) {
        privcmd_mmap q{1, 0, &e};
        CHECK(ioctl(fd, IOCTL_PRIVCMD_MMAP, &q) < 0);
    }
    for (int count : {-1, 0, 0x7fffffff}) {
        privcmd_mmap q{count, 0, entries};
        CHECK_ERRNO(ioctl(fd, IOCTL_PRIVCMD_MMAP, &q), EINVAL);
    }
    xen_pfn_t frames[8] = {0x100, 0x101, 0x102, 0x103, 0x104, 0x105, 0x106, 0x107};
    std::int32_t errors[8] = {};
    for (unsigned domain : {0u, 999u, unsigned{DOMID_SELF}, unsigned{DOMID_XEN}, unsigned{DOMID_INVALID}}) {
        privcmd_mmapbatch_v2 q{8, static_cast<domid_t>(domain), at, frames, errors};
        CHECK_EQ(ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &q), 0);
        for (auto e : errors)
            CHECK(e < 0);  // low memory is the hypervisor's
    }
    privcmd_mmapbatch_v2 wrong{8, 0, at, reinterpret_cast<xen_pfn_t *>(0xbffffff0), errors};
    CHECK_ERRNO(ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &wrong), EFAULT);
    wrong = {too_large, 0, at, frames, errors};
    CHECK_ERRNO(ioctl(fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &wrong), EINVAL);
    privcmd_mmap_resource resource{999, 0, 0, 0, 1, at};
    CHECK(ioctl(fd, IOCTL_PRIVCMD_MMAP_RESOURCE, &resource) < 0);
    CHECK_EQ(munmap(p, 8 * page), 0);
}

TEST(hostile, more_hypercall_memory_than_there_is)
{
    if (!is_domain_0())
        return;
    int fd = open_device("hypercall");
    auto before = free_kilobytes();
    for (int i = 0; i < 3; ++i)
        CHECK_ERRNO(failed(mmap(nullptr, 1u << 30, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)), ENOMEM);
    CHECK(posix::eventually([&] { return free_kilobytes() > before - 64; }));
    nothing_is_lost(20, [] {
        int own = open_device("hypercall");
        CHECK(mmap(nullptr, 100 * page, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0) != MAP_FAILED);
    });
}
