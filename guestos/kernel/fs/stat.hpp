// SPDX-License-Identifier: MIT
// What stat(2) reports, before it takes one of its four shapes.
#pragma once
#include <kernel/fs/file.hpp>

namespace kernel {
struct FileStatus {
    Attributes attributes;
    std::uint32_t device;  // st_dev: major << 20 | minor
    unsigned mount_id;
    bool mount_root;
};
Result<FileStatus> status_of(Path const &);
Result<FileStatus> status_of(File &);
Result<FileStatus> status_at(int dirfd, UserPtr<char const> path, unsigned at_flags);  // AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH
// dev_t of struct stat: 20 minor bits around 12 major bits, as glibc's makedev().
std::uint32_t encode_device(std::uint32_t major, std::uint32_t minor);
}  // namespace kernel
