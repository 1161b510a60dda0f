// SPDX-License-Identifier: MIT
// Paths over ext2's inodes: as much of a system call as the tests need. Results as errno has them: 0 or more, or a negative error.
#pragma once
#include "world.hpp"
#include <map>
#include <set>

namespace world {
class Tree {
public:
    explicit Tree(kernel::ext2::Super &fs) : fs_{fs} {}
    int create(std::string const &path, unsigned mode = 0644);
    int mkdir(std::string const &path);
    int unlink(std::string const &path);
    int rmdir(std::string const &path);
    int link(std::string const &from, std::string const &to);
    int symlink(std::string const &target, std::string const &path);
    int readlink(std::string const &path, std::string &target);
    int rename(std::string const &from, std::string const &to, bool exchange = false);
    int write(std::string const &path, std::uint64_t at, std::string const &bytes, unsigned flags = 0);
    int read(std::string const &path, std::uint64_t at, std::size_t n, std::string &bytes, unsigned flags = 0);
    int truncate(std::string const &path, std::uint64_t size);
    int punch(std::string const &path, std::uint64_t at, std::uint64_t n);
    int fsync(std::string const &path);
    int list(std::string const &path, std::set<std::string> &names);
    Result<kernel::Ref<kernel::Inode>> find(std::string const &path);

private:
    Result<kernel::Ref<kernel::Inode>> parent(std::string const &path, std::string &last);
    Result<kernel::Ref<kernel::File>> open(std::string const &path, unsigned flags);
    kernel::ext2::Super &fs_;
};
}  // namespace world
