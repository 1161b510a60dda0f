// SPDX-License-Identifier: MIT
// File descriptors of a process (shared by CLONE_FILES).
#pragma once
#include <kernel/fs/file.hpp>

namespace kernel {
class FdTable : public RefCounted {
public:
    static constexpr int max_descriptors = 4096;
    ~FdTable() override;
    Result<Ref<FdTable>> clone() const;                                  // fork
    Result<Ref<File>> get(int fd) const;                                 // Error::badf
    Result<int> install(Ref<File>, bool close_on_exec, int lowest = 0);  // Error::mfile beyond RLIMIT_NOFILE
    Result<int> install_at(int fd, Ref<File>, bool close_on_exec);       // dup2: closes what is there
    Result<> close(int fd);
    void close_range(unsigned first, unsigned last, bool only_mark_cloexec);
    void close_on_exec();  // exec
    Result<bool> cloexec(int fd) const;
    Result<> set_cloexec(int fd, bool);
    int next_open(int from) const;  // the first open descriptor >= from, or -1 (procfs)

private:
    Result<> reserve(int count);
    void closed(Ref<File>);
    struct Slot {
        Ref<File> file;
        bool close_on_exec = false;
    };
    Slot *slots_ = nullptr;
    int capacity_ = 0;
};
}  // namespace kernel
