// SPDX-License-Identifier: MIT
// System V shared memory: segments, and the table of their keys and numbers.
//
//   table ..> Segment{id, key, owner, mode, times}     a page cache that no file has
//                ^   ^
//                |   '-- one reference from each region that shows it: fork copies regions; munmap, exec and exit remove them
//                '------ one from the table, until IPC_RMID
//
// IPC_RMID takes the key away, too; the number stays until the last region goes, and new attachments by it are possible.
// Source: shmget(2), shmop(2), shmctl(2), sysvipc(7); structures: Linux uapi asm-generic/shmbuf.h, ipcbuf.h.
#pragma once
#include <asm/shmbuf.h>
#include <boost/intrusive/list.hpp>
#include <kernel/memory/page_cache.hpp>

namespace kernel {
// As uapi linux/shm.h has them, which needs a libc's headers.
enum ShmFlag : std::uint32_t {
    shm_hugetlb = 04000,  // shmget
    shm_rdonly = 010000,  // shmat
    shm_rnd = 020000,     // round the address down to a page
    shm_remap = 040000,   // replace what is mapped there
    shm_exec = 0100000,
};
enum ShmMode : std::uint16_t { shm_dest = 01000, shm_locked = 02000 };  // in shm_perm.mode
inline constexpr std::uint32_t shm_max_bytes = 0xfeff'ffff, shm_max_pages = 0xfeff'ffff, shm_max_segments = 4096;

class Segment final : public PageCache, public boost::intrusive::list_base_hook<> {
public:
    static Result<Segment *> make(std::int32_t key, std::uint32_t bytes, std::uint32_t mode);
    ~Segment() override;
    std::uint64_t size() const override { return std::uint64_t{pages()} << page_shift; }
    std::uint32_t pages() const { return pages_for(state.shm_segsz); }
    std::uint64_t identity_device() const override { return 1; }
    std::uint64_t identity_inode() const override { return static_cast<std::uint32_t>(id); }
    char const *name() const override { return name_; }
    void mapping_added() override;
    void mapping_removed() override;

    bool may(std::uint32_t mode) const;  // read 4, write 2, execute 1, in the place of any class
    bool owned_by_caller() const;        // who may change and remove it
    void changed();
    void remove();

    std::int32_t const id;
    shmid64_ds state{};

private:
    explicit Segment(std::int32_t number) : id{number} {}
    char name_[24];  // "/SYSV00000000 (deleted)"
};
using SegmentTable = boost::intrusive::list<Segment, boost::intrusive::constant_time_size<false>>;
SegmentTable &segments();  // in the order in which they were made
Segment *find_segment(std::int32_t id);
Segment *find_segment_by_key(std::int32_t key);

struct SegmentTotals {
    std::uint32_t count = 0, pages = 0, resident = 0;
};
SegmentTotals segment_totals();
}  // namespace kernel
