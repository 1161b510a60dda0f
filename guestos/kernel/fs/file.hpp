// SPDX-License-Identifier: MIT
// An open file description: what descriptors point to. Every kind of file is a subclass; each answers what it can and inherits
// POSIX's refusals for the rest.
#pragma once
#include <cstdint>
#include <kernel/fs/path.hpp>
#include <kernel/fs/poll.hpp>
#include <kernel/memory/user.hpp>
#include <kernel/ref.hpp>

namespace kernel {
class MemoryObject;
class DirectorySink {  // getdents64 and getdents collect through it
public:
    // False: full; the entry is asked for again next time. next_position: where to go on after it. type: DT_*.
    virtual bool add(std::string_view name, std::uint64_t ino, unsigned type, std::uint64_t next_position) = 0;

protected:
    ~DirectorySink() = default;
};

class File;
void forget_epoll_items(File &);  // ipc/epoll.cpp: it is closed for good

class File : public RefCounted {
public:
    explicit File(unsigned open_flags) : flags{open_flags} {}
    ~File() override;  // gives up flock(2) and OFD locks, tells inotify
    unsigned flags;    // O_ACCMODE, O_APPEND, O_NONBLOCK, O_DIRECT, …: fcntl changes some
    std::uint64_t position = 0;
    Path path;  // empty for pipes, sockets and other anonymous files
    bool readable() const { return (flags & 3) == 0 || (flags & 3) == 2; }
    bool writable() const { return (flags & 3) == 1 || (flags & 3) == 2; }
    bool nonblocking() const { return (flags & 04000) != 0; }
    Ref<Inode> inode() const { return path.inode(); }

    // `position` is the caller's: the file's own for read(2), a copy for pread(2). Advance it by what was moved.
    virtual Result<std::size_t> read(IoBuffer &, std::uint64_t & /*position*/) { return Error::inval; }
    virtual Result<std::size_t> write(IoBuffer &, std::uint64_t & /*position*/) { return Error::inval; }
    virtual bool seekable() const { return false; }  // false: lseek, pread give ESPIPE
    virtual Result<std::uint64_t> end_position();    // for SEEK_END: the inode's size
    virtual Result<std::int32_t> ioctl(unsigned /*command*/, std::uint32_t /*argument*/) { return Error::notty; }
    virtual Result<> read_directory(DirectorySink &) { return Error::notdir; }  // from `position` on
    virtual Result<Ref<MemoryObject>> memory_object();                          // default: the inode's
    virtual Result<> truncate(std::uint64_t) { return Error::inval; }
    virtual Result<> allocate(unsigned /*mode*/, std::uint64_t /*start*/, std::uint64_t /*bytes*/)
    {
        return Error::opnotsupp;
    }
    virtual Result<> sync(bool /*data_only*/) { return Error::inval; }
    // sync_file_range(2): the bytes' writing is begun, or also waited for; no metadata, no flush of the disk.
    virtual Result<> sync_range(std::uint64_t /*start*/, std::uint64_t /*end*/, bool /*wait*/) { return {}; }
    virtual void advise(std::uint64_t /*start*/, std::uint64_t /*bytes*/, unsigned /*POSIX_FADV_*/) {}
    // POLL* bits that hold now; registers with `table` (unless null) for what may change them.
    virtual unsigned poll(PollTable *) { return 0x145; }  // POLLIN|POLLOUT|POLLRDNORM|POLLWRNORM
    // SEEK_DATA, SEEK_HOLE: Error::nxio past the end.
    virtual Result<std::uint64_t> seek_data(std::uint64_t from, bool hole);
    // splice(2), tee(2): a pipe shows what the next read would take, without taking it; blocks as read does, 0: all writers gone.
    virtual bool is_pipe() const { return false; }
    virtual Result<std::int32_t> pipe_capacity(std::uint32_t /*F_SETPIPE_SZ; 0: F_GETPIPE_SZ*/) { return Error::badf; }
    virtual Result<std::size_t> peek(void *, std::size_t) { return Error::inval; }
    // open(2) of /proc/N/fd/M for an object without a name: a new description of it (pipes). Sockets refuse.
    virtual Result<Ref<File>> reopen(unsigned /*flags*/) { return Error::nxio; }
    virtual Result<> set_flags(unsigned new_flags)
    {
        flags = new_flags;
        return {};
    }
    virtual void describe(char *out, std::size_t size);  // /proc/N/fd/M: path, or "pipe:[7]"
    virtual Attributes anonymous_attributes();           // fstat of a file without an inode
    virtual void closed() {}                             // each close(2) of a descriptor (flush)
    // Sockets (ipc/socket.hpp) are files too; dynamic_cast is not available, so:
    virtual class Socket *as_socket() { return nullptr; }
    virtual class Epoll *as_epoll() { return nullptr; }
    virtual class Tty *as_tty() { return nullptr; }
    virtual class Inotify *as_inotify() { return nullptr; }
    virtual class BlockFile *as_block_file() { return nullptr; }
    virtual char const *anonymous_kind() const
    {
        return nullptr;
    }                                                // the address tells timerfd and signalfd from others
    virtual std::int32_t pidfd_pid() { return -1; }  // ipc/pidfd.cpp: the process that it stands for
    struct EpollItem *epoll_items = nullptr;         // ipc/epoll.cpp: who watches this file
    std::int32_t owner_pid = 0, owner_signal = 0;    // F_SETOWN, F_SETSIG

protected:
    void last_reference_gone() override
    {
        if (epoll_items)
            forget_epoll_items(*this);
        RefCounted::last_reference_gone();
    }
};
}  // namespace kernel
