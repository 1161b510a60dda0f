// SPDX-License-Identifier: MIT
// System V shared memory.
#include "test.hpp"
#include <csignal>
#include <fstream>
#include <sstream>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace posix;

namespace {
constexpr std::size_t page = 4096;

// A segment of the test's own, removed at its end.
struct Segment {
    int id;
    explicit Segment(std::size_t bytes, int mode = 0600) : id{shmget(IPC_PRIVATE, bytes, IPC_CREAT | mode)}
    {
        CHECK(id >= 0);
    }
    ~Segment() { shmctl(id, IPC_RMID, nullptr); }
    shmid_ds state() const
    {
        shmid_ds s;
        CHECK_EQ(shmctl(id, IPC_STAT, &s), 0);
        return s;
    }
    char *attach(void *at = nullptr, int flags = 0) const
    {
        auto p = static_cast<char *>(shmat(id, at, flags));
        CHECK(p != reinterpret_cast<char *>(-1));
        return p;
    }
};

long attach(int id, void *at, int flags) { return reinterpret_cast<long>(shmat(id, at, flags)); }

key_t a_key() { return static_cast<key_t>(0x10d60000 + (getpid() & 0xffff)); }

bool faults(char *p, bool write)
{
    auto status = child_status([p, write] {
        signal(SIGSEGV, SIG_DFL);
        if (write)
            *const_cast<char volatile *>(p) = 1;
        else
            (void)*const_cast<char const volatile *>(p);
        _exit(0);
    });
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

void drop_rights()
{
    CHECK_EQ(setgid(65534), 0);
    CHECK_EQ(setuid(65534), 0);
}

// The line of /proc/sysvipc/shm about this segment: its fields.
std::string proc_line(int id)
{
    std::ifstream file{"/proc/sysvipc/shm"};
    std::string line;
    std::getline(file, line);
    CHECK(line.find("shmid") != line.npos);
    while (std::getline(file, line)) {
        std::istringstream in{line};
        int key, number;
        CHECK(static_cast<bool>(in >> key >> number));
        if (number == id)
            return line;
    }
    return {};
}
}  // namespace

TEST(shared_memory, two_attachments_are_the_same_pages)
{
    Segment s{3 * page - 100};
    auto a = s.attach(), b = s.attach();
    CHECK(a != b);
    CHECK_EQ(a[0], 0);
    std::strcpy(a + 2 * page, "hello");
    CHECK_EQ(std::string{b + 2 * page}, "hello");
    CHECK_EQ(s.state().shm_nattch, 2u);
    CHECK_EQ(shmdt(a), 0);
    CHECK_EQ(s.state().shm_nattch, 1u);
    CHECK(faults(a, false));
    CHECK_EQ(std::string{b + 2 * page}, "hello");
    CHECK_ERRNO(shmdt(a), EINVAL);
    CHECK_ERRNO(shmdt(b + page), EINVAL);
    CHECK_ERRNO(shmdt(b + 1), EINVAL);
    CHECK_EQ(shmdt(b), 0);
    auto c = s.attach();  // contents stay without an attachment
    CHECK_EQ(std::string{c + 2 * page}, "hello");
}

TEST(shared_memory, keys)
{
    auto key = a_key();
    CHECK_ERRNO(shmget(key, page, 0600), ENOENT);
    CHECK_ERRNO(shmget(key, 0, IPC_CREAT | 0600), EINVAL);
    int id = shmget(key, page, IPC_CREAT | IPC_EXCL | 0640);
    CHECK(id >= 0);
    CHECK_EQ(shmget(key, page, IPC_CREAT | 0600), id);
    CHECK_EQ(shmget(key, 0, 0), id);
    CHECK_EQ(shmget(key, 10, 0400), id);
    CHECK_ERRNO(shmget(key, page, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    CHECK_ERRNO(shmget(key, page + 1, 0600), EINVAL);
    Segment other{page}, another{page};
    CHECK(other.id != another.id && other.id != id);
    CHECK_EQ(shmctl(id, IPC_RMID, nullptr), 0);
    CHECK_ERRNO(shmget(key, page, 0600), ENOENT);
    shmid_ds s;
    CHECK_ERRNO(shmctl(id, IPC_STAT, &s), EINVAL);
    CHECK_ERRNO(attach(id, nullptr, 0), EINVAL);
    CHECK_ERRNO(shmctl(id, IPC_RMID, nullptr), EINVAL);
    CHECK_ERRNO(shmctl(-1, IPC_STAT, &s), EINVAL);
    CHECK_ERRNO(shmctl(other.id, 77, &s), EINVAL);
}

TEST(shared_memory, status)
{
    auto before = time(nullptr);
    auto key = a_key();
    int id = shmget(key, page + 5, IPC_CREAT | 0640);
    CHECK(id >= 0);
    shmid_ds s;
    CHECK_EQ(shmctl(id, IPC_STAT, &s), 0);
    CHECK_EQ(s.shm_perm.__key, key);
    CHECK_EQ(s.shm_perm.mode, 0640);
    CHECK_EQ(s.shm_perm.uid, geteuid());
    CHECK_EQ(s.shm_perm.cgid, getegid());
    CHECK_EQ(s.shm_segsz, page + 5);
    CHECK_EQ(s.shm_cpid, getpid());
    CHECK_EQ(s.shm_lpid, 0);
    CHECK_EQ(s.shm_nattch, 0u);
    CHECK_EQ(s.shm_atime, 0);
    CHECK_EQ(s.shm_dtime, 0);
    CHECK(s.shm_ctime >= before && s.shm_ctime <= time(nullptr));
    auto p = shmat(id, nullptr, 0);
    CHECK_EQ(shmctl(id, IPC_STAT, &s), 0);
    CHECK_EQ(s.shm_lpid, getpid());
    CHECK(s.shm_atime >= before && s.shm_dtime == 0);
    CHECK_EQ(shmdt(p), 0);
    s.shm_perm.mode = 0606;
    s.shm_perm.uid = 1000;
    CHECK_EQ(shmctl(id, IPC_SET, &s), 0);
    CHECK_EQ(shmctl(id, IPC_STAT, &s), 0);
    CHECK_EQ(s.shm_perm.mode, 0606);
    CHECK_EQ(s.shm_perm.uid, 1000u);
    CHECK_EQ(s.shm_perm.cuid, geteuid());
    CHECK(s.shm_dtime >= before);
    CHECK_ERRNO(syscall(SYS_shmctl, id, IPC_STAT, 8), EFAULT);
    CHECK_EQ(shmctl(id, IPC_RMID, nullptr), 0);
}

TEST(shared_memory, removal_waits_for_the_last_detach)
{
    auto key = a_key();
    int id = shmget(key, page, IPC_CREAT | 0600);
    auto p = static_cast<char *>(shmat(id, nullptr, 0));
    std::strcpy(p, "still here");
    CHECK_EQ(shmctl(id, IPC_RMID, nullptr), 0);
    shmid_ds s;
    CHECK_EQ(shmctl(id, IPC_STAT, &s), 0);
    CHECK_EQ(s.shm_perm.mode & 01000, 01000);  // SHM_DEST
    CHECK_EQ(s.shm_perm.__key, IPC_PRIVATE);
    CHECK_ERRNO(shmget(key, page, 0600), ENOENT);
    CHECK_EQ(shmctl(id, IPC_RMID, nullptr), 0);  // a second time does nothing
    auto q = static_cast<char *>(shmat(id, nullptr, 0));
    CHECK_EQ(std::string{q}, "still here");
    CHECK_EQ(shmdt(p), 0);
    CHECK_EQ(shmctl(id, IPC_STAT, &s), 0);
    CHECK_EQ(shmdt(q), 0);
    CHECK_ERRNO(shmctl(id, IPC_STAT, &s), EINVAL);
}

TEST(shared_memory, fork_inherits_exit_and_exec_detach)
{
    Segment s{page};
    auto p = s.attach();
    int ready[2], go[2];
    CHECK_EQ(pipe(ready), 0);
    CHECK_EQ(pipe(go), 0);
    auto child = fork();
    if (child == 0) {
        char c = 0;
        p[1] = 'c';
        (void)!write(ready[1], &c, 1);
        (void)!read(go[0], &c, 1);
        _exit(p[2] == 'p' ? 0 : 1);
    }
    char c;
    CHECK_EQ(read(ready[0], &c, 1), 1);
    CHECK_EQ(p[1], 'c');
    CHECK_EQ(s.state().shm_nattch, 2u);
    p[2] = 'p';
    CHECK_EQ(write(go[1], &c, 1), 1);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(s.state().shm_nattch, 1u);
    CHECK_EQ(s.state().shm_lpid, child);

    // A program that exec started does not have it: the pipe ends when it is there, as its end is closed on exec.
    CHECK_EQ(pipe2(ready, 02000000), 0);
    child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "read line", nullptr);
        _exit(127);
    }
    close(ready[1]);
    CHECK_EQ(read(ready[0], &c, 1), 0);
    CHECK_EQ(s.state().shm_nattch, 1u);
    kill(child, SIGKILL);
    CHECK_EQ(waitpid(child, &status, 0), child);
}

TEST(shared_memory, a_killed_process_takes_the_last_attachment_along)
{
    int id = shmget(IPC_PRIVATE, page, IPC_CREAT | 0600);
    auto child = fork();
    if (child == 0) {
        auto p = static_cast<char *>(shmat(id, nullptr, 0));
        shmctl(id, IPC_RMID, nullptr);
        *p = 1;
        for (;;)
            pause();
    }
    shmid_ds s;
    CHECK(eventually([&] { return shmctl(id, IPC_STAT, &s) == 0 && (s.shm_perm.mode & 01000) != 0; }));
    kill(child, SIGKILL);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_ERRNO(shmctl(id, IPC_STAT, &s), EINVAL);
}

TEST(shared_memory, read_only_attachments)
{
    Segment s{page};
    auto w = s.attach(), r = s.attach(nullptr, SHM_RDONLY);
    w[7] = 'x';
    CHECK_EQ(r[7], 'x');
    CHECK(faults(r, true));
    CHECK_ERRNO(mprotect(r, page, PROT_READ | PROT_WRITE), EACCES);
    CHECK_EQ(mprotect(w, page, PROT_READ), 0);
    CHECK(faults(w, true));
    CHECK_EQ(mprotect(w, page, PROT_READ | PROT_WRITE), 0);
    w[7] = 'y';
    CHECK_EQ(r[7], 'y');
}

TEST(shared_memory, addresses)
{
    Segment s{2 * page};
    auto room = static_cast<char *>(mmap(nullptr, 8 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK(room != MAP_FAILED);
    CHECK_ERRNO(attach(s.id, room + 2 * page, 0), EINVAL);  // something is there
    CHECK_EQ(s.attach(room + 2 * page, SHM_REMAP) - room, 2 * page);
    CHECK_EQ(munmap(room, 2 * page), 0);
    CHECK_ERRNO(attach(s.id, room + page + 1, 0), EINVAL);
    CHECK_ERRNO(attach(s.id, room + page + 1, SHM_RND), EINVAL);  // its second page is taken
    CHECK_EQ(s.attach(room + 1, SHM_RND) - room, 0);
    CHECK_ERRNO(attach(s.id, nullptr, SHM_REMAP), EINVAL);
    CHECK_EQ(s.state().shm_nattch, 2u);
    CHECK_EQ(shmdt(room), 0);
    CHECK_EQ(shmdt(room + 2 * page), 0);
    CHECK_EQ(s.state().shm_nattch, 0u);
}

// shmdt(2) takes what is left of the attachment, in however many pieces.
TEST(shared_memory, attachments_in_pieces)
{
    Segment s{6 * page};
    auto p = s.attach();
    CHECK_EQ(munmap(p + 2 * page, page), 0);
    CHECK_EQ(s.state().shm_nattch, 2u);
    CHECK_EQ(mprotect(p + 4 * page, page, PROT_READ), 0);
    CHECK_EQ(s.state().shm_nattch, 4u);
    CHECK_EQ(mprotect(p + 4 * page, page, PROT_READ | PROT_WRITE), 0);
    p[4 * page] = 1;
    CHECK_EQ(shmdt(p), 0);
    CHECK_EQ(s.state().shm_nattch, 0u);
    for (unsigned i = 0; i < 6; ++i)
        CHECK(faults(p + i * page, false));
}

TEST(shared_memory, permissions)
{
    Segment owners{page, 0600}, readable{page, 0604};
    auto status = child_status([&] {
        drop_rights();
        shmid_ds s;
        CHECK_ERRNO(attach(owners.id, nullptr, SHM_RDONLY), EACCES);
        CHECK_ERRNO(shmctl(owners.id, IPC_STAT, &s), EACCES);
        CHECK_ERRNO(attach(readable.id, nullptr, 0), EACCES);
        CHECK(shmat(readable.id, nullptr, SHM_RDONLY) != reinterpret_cast<void *>(-1));
        CHECK_EQ(shmctl(readable.id, IPC_STAT, &s), 0);
        CHECK_ERRNO(shmctl(readable.id, IPC_SET, &s), EPERM);
        CHECK_ERRNO(shmctl(readable.id, IPC_RMID, nullptr), EPERM);
    });
    CHECK_EQ(status, 0);
    auto key = a_key();
    int id = shmget(key, page, IPC_CREAT | 0600);
    status = child_status([key] {
        drop_rights();
        CHECK_ERRNO(shmget(key, page, 0400), EACCES);
        CHECK(shmget(key, page, 0) >= 0);
    });
    CHECK_EQ(shmctl(id, IPC_RMID, nullptr), 0);
    CHECK_EQ(status, 0);
}

TEST(shared_memory, what_ipcs_asks)
{
    Segment s{page + 1};
    auto p = s.attach();
    *p = 1;
    shminfo limits;
    int highest = shmctl(0, IPC_INFO, reinterpret_cast<shmid_ds *>(&limits));
    CHECK(highest >= 0);
    CHECK_EQ(limits.shmmni, 4096u);
    CHECK_EQ(limits.shmmin, 1u);
    shm_info use;
    CHECK(shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds *>(&use)) >= 0);
    CHECK(use.used_ids >= 1 && use.shm_tot >= 2 && use.shm_rss >= 1);
    bool found = false;
    for (int i = 0; i <= highest; ++i) {
        shmid_ds each;
        if (shmctl(i, SHM_STAT, &each) == s.id)
            found = each.shm_segsz == page + 1 && each.shm_nattch == 1;
    }
    CHECK(found);
    std::istringstream in{proc_line(s.id)};
    long long key, id, mode, bytes, creator, last, attached;
    CHECK(static_cast<bool>(in >> key >> id >> std::oct >> mode >> std::dec >> bytes >> creator >> last >> attached));
    CHECK_EQ(key, 0);
    CHECK_EQ(mode, 0600);
    CHECK_EQ(bytes, page + 1);
    CHECK_EQ(creator, getpid());
    CHECK_EQ(attached, 1);
    std::ifstream maps{"/proc/self/maps"};
    std::stringstream all;
    all << maps.rdbuf();
    CHECK(all.str().find("/SYSV00000000 (deleted)") != std::string::npos);
}

TEST(shared_memory, direct_calls_and_those_through_ipc)
{
    // Numbers of their own since Linux 5.1: no version to ask for, and shmat's address is its result.
    int id = static_cast<int>(syscall(SYS_shmget, IPC_PRIVATE, page, IPC_CREAT | 0600));
    CHECK(id >= 0);
    auto p = reinterpret_cast<char *>(syscall(SYS_shmat, id, 0, 0));
    CHECK(p != reinterpret_cast<char *>(-1));
    p[9] = 'd';
    unsigned long at = 0;
    constexpr int call_shmat = 21, call_shmdt = 22, call_shmctl = 24;
    CHECK_EQ(syscall(SYS_ipc, call_shmat, id, 0, &at, 0), 0);
    CHECK_EQ(reinterpret_cast<char *>(at)[9], 'd');
    CHECK_ERRNO(syscall(SYS_ipc, call_shmat | 1 << 16, id, 0, &at, 0), EINVAL);
    CHECK_EQ(syscall(SYS_ipc, call_shmdt, 0, 0, 0, at), 0);
    CHECK_EQ(syscall(SYS_shmdt, p), 0);
    CHECK_EQ(syscall(SYS_ipc, call_shmctl, id, IPC_RMID, 0, 0), 0);
    CHECK_ERRNO(syscall(SYS_shmctl, id, IPC_RMID, 0), EINVAL);
}

// Its pages come back to the machine with the last detach.
TEST(shared_memory, segments_come_and_go)
{
    for (int round = 0; round < 300; ++round) {
        int id = shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600);
        CHECK(id >= 0);
        auto p = static_cast<char *>(shmat(id, nullptr, 0));
        CHECK(p != reinterpret_cast<char *>(-1));
        CHECK_EQ(shmctl(id, IPC_RMID, nullptr), 0);
        for (std::size_t i = 0; i < 1 << 20; i += page)
            p[i] = 1;
        CHECK_EQ(shmdt(p), 0);
    }
}
