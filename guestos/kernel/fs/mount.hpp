// SPDX-License-Identifier: MIT
// Mounts: which file system sits on which directory.
//
//   Mount "tmpfs" --parent----> Mount "rootfs"        A path is a pair (Mount, Dentry): going down into a dentry with a mount
//      |  '--mountpoint--> Dentry "tmp"               on it continues at that mount's root, ".." at a mount's root continues
//      '--root--> Dentry (root of the tmpfs)          at its mount point. A bind mount's root is any dentry.
//
// The table holds one reference to each attached mount; the rest are paths: open files, working directories. One namespace.
#pragma once
#include <kernel/fs/dentry.hpp>
#include <kernel/fs/path.hpp>

namespace kernel {
class Mount : public RefCounted {
public:
    // root null: the file system's own. Not attached anywhere yet.
    static Result<Ref<Mount>> make(Ref<SuperBlock>, Ref<Dentry> root, std::string_view source, unsigned flags);
    ~Mount() override;

    Ref<SuperBlock> super;
    Ref<Dentry> root;
    Ref<Mount> parent;  // null: the first one, or not attached
    Ref<Dentry> mountpoint;
    unsigned flags;  // MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NO*ATIME, MS_RELATIME
    unsigned id;
    unsigned children = 0;
    bool attached = false, expiring = false;
    char const *source() const { return source_.get(); }
    bool read_only() const;

    using Hook = boost::intrusive::list_member_hook<>;
    Hook hook;

private:
    Mount() = default;
    std::unique_ptr<char[]> source_;
};

void attach_mount(Ref<Mount>, Path const &where);        // where empty: the first mount
void detach_mount(Mount &);                              // precondition: attached, no children
Ref<Mount> mount_at(Mount &parent, Dentry &mountpoint);  // null: none; the newest
Path topmost(Path);                                      // steps onto what is mounted there
Path const &root_path();                                 // "/" of the kernel itself
void set_root_path(Path);
std::uint32_t allocate_anonymous_device();  // st_dev of a file system without a device

FileSystemType const *find_file_system(std::string_view name);
// In the order of registration; null past the end.
FileSystemType const *file_system_at(unsigned index);

// Calls f(context, mount) in order of mounting until it returns false.
void for_each_mount(bool (*f)(void *, Mount &), void *context);
// One line of /proc/mounts, /proc/N/mountinfo as seen from `root`, per call; index counts from 0. False: no more. A line is empty
// for a mount that cannot be reached from `root`.
enum class MountFormat { mounts, mountinfo };
bool describe_mount(unsigned index, MountFormat, Path const &root, char *line, std::size_t size);
std::size_t describe_file_systems(char *out, std::size_t size);  // /proc/filesystems
void sync_all();
}  // namespace kernel
