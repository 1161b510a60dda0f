// SPDX-License-Identifier: MIT
// /dev/xen/gntalloc and /dev/xen/gntdev: a page granted to this same domain and mapped a second time.
#include "device.hpp"
#include <pv/grant_table.h>
#include <pv/sys/evtchn.h>
#include <pv/sys/gntalloc.h>
#include <pv/sys/gntdev.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace xendev;

namespace {
constexpr std::size_t page = 4096;

// `count` pages of ours, granted to `domain`.
struct Granted {
    int fd = open_device("gntalloc");
    std::vector<unsigned> refs;
    std::uint64_t index = 0;
    char *memory = nullptr;
    Granted(unsigned domain, unsigned count, bool writable = true) : refs(count)
    {
        std::vector<char> room(sizeof(ioctl_gntalloc_alloc_gref) + count * 4);
        auto &q = *reinterpret_cast<ioctl_gntalloc_alloc_gref *>(room.data());
        q.domid = static_cast<std::uint16_t>(domain);
        q.flags = writable ? GNTALLOC_FLAG_WRITABLE : 0;
        q.count = count;
        CHECK_EQ(ioctl(fd, IOCTL_GNTALLOC_ALLOC_GREF, &q), 0);
        for (unsigned i = 0; i < count; ++i)
            refs[i] = q.gref_ids[i];
        index = q.index;
        auto p = mmap(nullptr, count * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(index));
        CHECK(p != MAP_FAILED);
        memory = static_cast<char *>(p);
    }
};

struct Mapped {
    int fd = open_device("gntdev");
    std::uint64_t index = 0;
    std::size_t bytes;
    char *memory = nullptr;
    Mapped(unsigned domain, std::vector<unsigned> const &refs) : bytes{refs.size() * page}
    {
        std::vector<char> room(sizeof(ioctl_gntdev_map_grant_ref) + refs.size() * 8);
        auto &q = *reinterpret_cast<ioctl_gntdev_map_grant_ref *>(room.data());
        q.count = static_cast<std::uint32_t>(refs.size());
        for (std::size_t i = 0; i < refs.size(); ++i)
            q.refs[i] = {domain, refs[i]};
        CHECK_EQ(ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, &q), 0);
        index = q.index;
    }
    void *map(int prot = PROT_READ | PROT_WRITE)
    {
        auto p = mmap(nullptr, bytes, prot, MAP_SHARED, fd, static_cast<off_t>(index));
        if (p != MAP_FAILED)
            memory = static_cast<char *>(p);
        return p;
    }
    int forget()
    {
        ioctl_gntdev_unmap_grant_ref q{index, static_cast<std::uint32_t>(bytes / page), 0};
        return ioctl(fd, IOCTL_GNTDEV_UNMAP_GRANT_REF, &q);
    }
};
}  // namespace

TEST(grant, both_see_the_same_page)
{
    auto self = own_domain();
    Granted ours{self, 3};
    Mapped theirs{self, ours.refs};
    CHECK(theirs.map() != MAP_FAILED);
    for (std::size_t i = 0; i < 3; ++i)
        std::snprintf(ours.memory + i * page, page, "page %zu", i);
    CHECK_EQ(std::string{theirs.memory + page}, std::string{"page 1"});
    CHECK_EQ(std::string{theirs.memory + 2 * page}, std::string{"page 2"});
    theirs.memory[5] = 'x';
    CHECK_EQ(ours.memory[5], 'x');
    CHECK_EQ(munmap(theirs.memory, theirs.bytes), 0);
    CHECK_EQ(theirs.forget(), 0);
    CHECK_ERRNO(theirs.forget(), ENOENT);
}

TEST(grant, only_what_was_granted)
{
    auto self = own_domain();
    Granted ours{self, 1, false};
    Mapped writer{self, ours.refs}, reader{self, ours.refs}, nobody{self, {4000}};
    CHECK_ERRNO(reinterpret_cast<long>(writer.map()), EINVAL);  // read-only grant
    CHECK(reader.map(PROT_READ) != MAP_FAILED);
    std::strcpy(ours.memory, "read only");
    CHECK_EQ(std::string{reader.memory}, std::string{"read only"});
    CHECK_ERRNO(reinterpret_cast<long>(nobody.map()), EINVAL);
    CHECK_ERRNO(mprotect(reader.memory, page, PROT_READ | PROT_WRITE), EACCES);
    int status = posix::child_status([&] { reader.memory[0] = 1; });
    CHECK(WIFSIGNALED(status));
}

TEST(grant, shape_of_a_mapping)
{
    auto self = own_domain();
    Granted ours{self, 2};
    Mapped m{self, ours.refs};
    CHECK_ERRNO(reinterpret_cast<long>(mmap(nullptr, page, PROT_READ, MAP_SHARED, m.fd, static_cast<off_t>(m.index))),
                EINVAL);
    CHECK_ERRNO(reinterpret_cast<long>(
                    mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, m.fd, static_cast<off_t>(m.index))),
                EINVAL);
    CHECK(m.map() != MAP_FAILED);
    CHECK_ERRNO(reinterpret_cast<long>(mmap(nullptr, 2 * page, PROT_READ, MAP_SHARED, m.fd, static_cast<off_t>(m.index))),
                EINVAL);  // once only
    ioctl_gntdev_get_offset_for_vaddr q{reinterpret_cast<std::uintptr_t>(m.memory), 0, 0, 0};
    CHECK_EQ(ioctl(m.fd, IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR, &q), 0);
    CHECK_EQ(q.offset, m.index);
    CHECK_EQ(q.count, 2u);
    q.vaddr = reinterpret_cast<std::uintptr_t>(&q);
    CHECK_ERRNO(ioctl(m.fd, IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR, &q), EINVAL);
    // One page of two goes; the other stays.
    std::strcpy(ours.memory + page, "still");
    CHECK_EQ(munmap(m.memory, page), 0);
    CHECK_EQ(std::string{m.memory + page}, std::string{"still"});
    int status = posix::child_status([&] { static_cast<void>(*static_cast<volatile char *>(m.memory)); });
    CHECK(WIFSIGNALED(status));
}

// A child does not inherit the mapping; parent's stays.
TEST(grant, fork)
{
    auto self = own_domain();
    Granted ours{self, 1};
    Mapped m{self, ours.refs};
    CHECK(m.map() != MAP_FAILED);
    std::strcpy(ours.memory, "parent's");
    int status = posix::child_status([&] { static_cast<void>(*static_cast<volatile char *>(m.memory)); });
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    CHECK_EQ(std::string{m.memory}, std::string{"parent's"});
    CHECK_EQ(ours.memory[0], 'p');
}

// Pages that a killed process had mapped are given back each time: more of them in all than may be in use at once.
TEST(grant, exit_gives_back)
{
    auto self = own_domain();
    for (int i = 0; i < 24; ++i) {
        int status = posix::child_status([&] {
            Granted ours{self, 64};
            Mapped m{self, ours.refs};
            CHECK(m.map() != MAP_FAILED);
            std::memset(m.memory, i, m.bytes);
            CHECK_EQ(ours.memory[63 * page], static_cast<char>(i));
            raise(SIGKILL);
        });
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
}

TEST(grant, copy)
{
    auto self = static_cast<domid_t>(own_domain());
    Granted ours{self, 2};
    int fd = open_device("gntdev");
    std::vector<char> local(3 * page, 'l');
    std::strcpy(ours.memory + 100, "granted");
    char *middle = local.data() + page - 3;  // wherever pages end in it
    ioctl_gntdev_grant_copy_segment s[3] = {};
    s[0].source.foreign = {ours.refs[0], 100, self};
    s[0].dest.virt = middle;
    s[0].len = 8;
    s[0].flags = GNTCOPY_source_gref;
    s[1].source.virt = local.data();
    s[1].dest.foreign = {ours.refs[1], 1000, self};
    s[1].len = 3000;
    s[1].flags = GNTCOPY_dest_gref;
    s[2].source.foreign = {4000, 0, self};
    s[2].dest.virt = local.data();
    s[2].len = 1;
    s[2].flags = GNTCOPY_source_gref;
    ioctl_gntdev_grant_copy q{3, s};
    CHECK_EQ(ioctl(fd, IOCTL_GNTDEV_GRANT_COPY, &q), 0);
    CHECK_EQ(s[0].status, GNTST_okay);
    CHECK_EQ(std::string{middle}, std::string{"granted"});
    CHECK_EQ(s[1].status, GNTST_okay);
    CHECK_EQ(ours.memory[page + 999], 0);
    CHECK_EQ(ours.memory[page + 1000], 'l');
    CHECK_EQ(ours.memory[page + 3999], 'l');
    CHECK_EQ(ours.memory[page + 4000], 0);
    CHECK(s[2].status < 0);
    s[0].len = 4000;  // beyond the page
    CHECK_ERRNO(ioctl(fd, IOCTL_GNTDEV_GRANT_COPY, &q), EINVAL);
}

TEST(grant, unmap_notify)
{
    auto self = own_domain();
    Granted ours{self, 1};
    int events = open_device("evtchn");
    ioctl_evtchn_bind_unbound_port unbound{self};
    int a = ioctl(events, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &unbound);
    CHECK(a > 0);
    ioctl_evtchn_bind_interdomain to{self, static_cast<unsigned>(a)};
    int b = ioctl(events, IOCTL_EVTCHN_BIND_INTERDOMAIN, &to);
    CHECK(b > 0);
    unsigned port;
    CHECK_EQ(read(events, &port, sizeof port), 4);  // the new channel's own
    CHECK_EQ(write(events, &port, sizeof port), 4);
    ours.memory[17] = ours.memory[18] = 1;
    int status = posix::child_status([&] {
        Mapped m{self, ours.refs};
        CHECK(m.map() != MAP_FAILED);
        ioctl_gntdev_unmap_notify n{m.index + 17, UNMAP_NOTIFY_CLEAR_BYTE | UNMAP_NOTIFY_SEND_EVENT,
                                    static_cast<unsigned>(b)};
        CHECK_EQ(ioctl(m.fd, IOCTL_GNTDEV_SET_UNMAP_NOTIFY, &n), 0);
        n.index += page;
        CHECK_ERRNO(ioctl(m.fd, IOCTL_GNTDEV_SET_UNMAP_NOTIFY, &n), ENOENT);
        CHECK_EQ(ours.memory[17], 1);
    });
    CHECK_EQ(status, 0);
    CHECK(posix::eventually([&] { return ours.memory[17] == 0; }));
    CHECK_EQ(ours.memory[18], 1);
    CHECK_EQ(read(events, &port, sizeof port), 4);
    CHECK_EQ(port, static_cast<unsigned>(a));
}

TEST(grant, gntalloc_errors)
{
    int fd = open_device("gntalloc");
    ioctl_gntalloc_alloc_gref q{};
    q.count = 1'000'000;
    CHECK_ERRNO(ioctl(fd, IOCTL_GNTALLOC_ALLOC_GREF, &q), ENOSPC);
    ioctl_gntalloc_dealloc_gref d{0, 1};
    CHECK_ERRNO(ioctl(fd, IOCTL_GNTALLOC_DEALLOC_GREF, &d), EINVAL);
    CHECK_ERRNO(reinterpret_cast<long>(mmap(nullptr, page, PROT_READ, MAP_SHARED, fd, 0)), ENOENT);
    Granted ours{own_domain(), 1};
    ioctl_gntalloc_dealloc_gref gone{ours.index, 1};
    CHECK_EQ(ioctl(ours.fd, IOCTL_GNTALLOC_DEALLOC_GREF, &gone), 0);
    ours.memory[0] = 1;  // stays while it is mapped
    Mapped late{own_domain(), ours.refs};
    CHECK(late.map() != MAP_FAILED);
    CHECK_EQ(late.memory[0], 1);
}
