// SPDX-License-Identifier: MIT
#include <kernel/fs/fd_table.hpp>
#include <kernel/fs/locks.hpp>
#include <kernel/process/process.hpp>

namespace kernel {
namespace {
constexpr unsigned rlimit_nofile = 7;
int descriptor_limit()
{
    auto &process = current().process;
    auto soft = process ? process->limits[rlimit_nofile].soft : FdTable::max_descriptors;
    return soft < FdTable::max_descriptors ? static_cast<int>(soft) : FdTable::max_descriptors;
}
}  // namespace

FdTable::~FdTable()
{
    for (int fd = 0; fd < capacity_; ++fd)
        (void)close(fd);
    delete[] slots_;
}

Result<> FdTable::reserve(int count)
{
    if (count <= capacity_)
        return {};
    int wanted = capacity_ == 0 ? 16 : capacity_;
    while (wanted < count)
        wanted *= 2;
    auto *bigger = new (std::nothrow) Slot[static_cast<unsigned>(wanted)];
    if (!bigger)
        return Error::nomem;
    for (int fd = 0; fd < capacity_; ++fd)
        bigger[fd] = std::move(slots_[fd]);
    delete[] slots_;
    slots_ = bigger;
    capacity_ = wanted;
    return {};
}

Result<Ref<FdTable>> FdTable::clone() const
{
    auto copy = TRY(make_ref<FdTable>());
    TRY(copy->reserve(next_open(0) < 0 ? 0 : capacity_));
    for (int fd = 0; fd < copy->capacity_ && fd < capacity_; ++fd)
        copy->slots_[fd] = slots_[fd];
    return copy;
}

Result<Ref<File>> FdTable::get(int fd) const
{
    if (fd < 0 || fd >= capacity_ || !slots_[fd].file)
        return Error::badf;
    return slots_[fd].file;
}

Result<int> FdTable::install(Ref<File> file, bool close_on_exec, int lowest)
{
    int const limit = descriptor_limit();
    for (int fd = lowest; fd < limit; ++fd) {
        if (fd < capacity_ && slots_[fd].file)
            continue;
        TRY(reserve(fd + 1));
        slots_[fd] = {std::move(file), close_on_exec};
        return fd;
    }
    return Error::mfile;
}

Result<int> FdTable::install_at(int fd, Ref<File> file, bool close_on_exec)
{
    if (fd < 0 || fd >= descriptor_limit())
        return Error::badf;
    TRY(reserve(fd + 1));
    auto old = std::exchange(slots_[fd], Slot{std::move(file), close_on_exec});
    closed(std::move(old.file));
    return fd;
}

// POSIX: closing any descriptor of a file gives up all locks the process has on it, whichever descriptor they were made through.
void FdTable::closed(Ref<File> file)
{
    if (!file)
        return;
    if (auto inode = file->inode(); inode && inode->locks)
        release_process_locks(*inode, this);
    file->closed();
}

Result<> FdTable::close(int fd)
{
    if (fd < 0 || fd >= capacity_ || !slots_[fd].file)
        return Error::badf;
    auto old = std::exchange(slots_[fd], Slot{});
    closed(std::move(old.file));
    return {};
}

void FdTable::close_range(unsigned first, unsigned last, bool only_mark_cloexec)
{
    for (unsigned fd = first; fd <= last && fd < static_cast<unsigned>(capacity_); ++fd) {
        if (only_mark_cloexec)
            slots_[fd].close_on_exec = slots_[fd].file ? true : false;
        else
            (void)close(static_cast<int>(fd));
    }
}

void FdTable::close_on_exec()
{
    for (int fd = 0; fd < capacity_; ++fd)
        if (slots_[fd].close_on_exec)
            (void)close(fd);
}

Result<bool> FdTable::cloexec(int fd) const
{
    if (fd < 0 || fd >= capacity_ || !slots_[fd].file)
        return Error::badf;
    return slots_[fd].close_on_exec;
}

Result<> FdTable::set_cloexec(int fd, bool on)
{
    if (fd < 0 || fd >= capacity_ || !slots_[fd].file)
        return Error::badf;
    slots_[fd].close_on_exec = on;
    return {};
}

int FdTable::next_open(int from) const
{
    for (int fd = from < 0 ? 0 : from; fd < capacity_; ++fd)
        if (slots_[fd].file)
            return fd;
    return -1;
}
}  // namespace kernel
