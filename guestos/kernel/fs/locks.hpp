// SPDX-License-Identifier: MIT
// Advisory locks: flock(2), fcntl(2)'s process locks and open-file-description locks.
//
// All locks of an inode hang in one LockTable at Inode::locks, made at the first lock and freed with the last. An owner is what
// the lock dies with: the descriptor table for process locks, the open file description for the other two.
#pragma once
#include <kernel/fs/file.hpp>

namespace kernel {
class FdTable;
enum class LockKind : std::uint8_t { flock, process, description };
enum class LockType : std::uint8_t { read, write, unlock };

struct LockRange {
    std::uint64_t start, end;  // both inclusive; end lock_to_eof: to the end, however far it moves
};
inline constexpr std::uint64_t lock_to_eof = 0x7fff'ffff'ffff'ffff;

struct LockRequest {
    LockKind kind;
    LockType type;
    LockRange range;
    void const *owner;  // FdTable or File
    std::int32_t pid;   // for F_GETLK; -1 for description locks
};

// Error::again: held by another and !wait. Error::deadlk: process locks that would wait for each other.
// Error::restart_sys: a signal came while waiting.
Result<> set_lock(Inode &, LockRequest const &, bool wait);
// The first lock that stands in the way of `wanted`: false if none.
bool find_conflict(Inode &, LockRequest const &wanted, LockRequest &found);
void release_process_locks(Inode &, FdTable const *);
void release_file_locks(Inode &, File const *);
// /proc/locks: one line per call; false: no more.
bool describe_lock(unsigned index, char *line, std::size_t size);
}  // namespace kernel
