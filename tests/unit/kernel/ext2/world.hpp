// SPDX-License-Identifier: MIT
// The kernel's block layer and file system inside a process of this machine. Nothing here sleeps: disks answer at once.
#pragma once
#include <functional>
#include <kernel/block/queued_disk.hpp>
#include <kernel/fs/ext2/kinds.hpp>
#include <random>
#include <string>
#include <vector>

namespace world {
void begin();  // a fresh machine of 64 MB
std::uint32_t free_frames();
extern std::string log;  // what the kernel said
extern std::uint64_t clock_ns;

// A disk in memory. It can forget what was not flushed, fail, and tell what it was asked.
class Disk final : public kernel::QueuedDisk {
public:
    explicit Disk(std::size_t bytes, char const *name = "disk0");
    static kernel::Ref<Disk> of_image(std::string const &path);  // a copy of a file
    static kernel::Ref<Disk> formatted(std::string const &mke2fs_options, unsigned kilobytes);
    void save(std::string const &path) const;
    std::vector<char> bytes;
    struct Write {
        std::uint64_t sector;  // ~0: a flush
        std::vector<char> data;
    };
    std::vector<Write> history;
    bool record = false;
    std::function<Error(kernel::BlockRequest const &)> fault;  // Error::none: works
    unsigned requests = 0, largest_segments = 0;

protected:
    bool issue(kernel::BlockRequest &) override;
};

// e2fsck -fy or -p on the disk as it is; its exit status and what it said.
struct Check {
    int status;
    std::string text;
};
Check e2fsck(std::vector<char> const &image, char const *options);
std::string const &checked_image();  // the file that e2fsck() left
bool is_clean(Disk const &);         // e2fsck -fn finds nothing

// A mounted file system. The destructor unmounts.
class Mounted {
public:
    explicit Mounted(kernel::Ref<Disk>, bool read_only = false);
    Mounted(Mounted &&) = default;
    Mounted &operator=(Mounted &&) = default;
    ~Mounted();
    void unmount();
    void crash();  // forgets everything in memory
    kernel::ext2::Super &operator*() { return *super_; }
    kernel::ext2::Super *operator->() { return super_.get(); }
    explicit operator bool() const { return static_cast<bool>(super_); }

private:
    kernel::Ref<kernel::ext2::Super> super_;
};
}  // namespace world
