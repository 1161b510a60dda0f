// SPDX-License-Identifier: MIT
// What the file system calls share: descriptors to files, user strings, iovecs.
#pragma once
#include <kernel/fs/fd_table.hpp>
#include <kernel/fs/walk.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>
#include <memory>

namespace kernel {
Result<Ref<File>> get_any_file(int fd);  // O_PATH ones too: fstat, dup, close, *at
Result<Ref<File>> get_file(int fd);      // Error::badf for O_PATH
// Descriptor for a file that was just made.
Result<std::int32_t> install_file(Result<Ref<File>>, bool close_on_exec);

// A string from user memory, in a small buffer if it fits. Empty is allowed.
class UserString {
public:
    static Result<UserString> copy(UserPtr<char const>, std::size_t size = path_max);
    std::string_view view() const { return {long_ ? long_.get() : short_, length_}; }
    char const *c_str() const { return long_ ? long_.get() : short_; }

private:
    std::unique_ptr<char[]> long_;
    std::size_t length_ = 0;
    char short_[120];
};

// readv(2) and its relatives: a checked kernel copy of the iovec, as an IoBuffer.
class UserVector {
public:
    static constexpr unsigned segments_max = 1024;  // UIO_MAXIOV
    Result<> copy(UserPtr<IoBuffer::Segment const>, unsigned count);
    IoBuffer buffer() const { return IoBuffer::vector(segments(), count_, total_); }
    std::size_t total() const { return total_; }

private:
    IoBuffer::Segment const *segments() const { return many_ ? many_.get() : few_; }
    std::unique_ptr<IoBuffer::Segment[]> many_;
    IoBuffer::Segment few_[8];
    unsigned count_ = 0;
    std::size_t total_ = 0;
};
inline constexpr std::uint32_t io_max = 0x7fff'f000;  // most bytes one call moves: MAX_RW_COUNT

// With the IN_ACCESS, IN_MODIFY events.
Result<std::size_t> read_file(File &, IoBuffer &, std::uint64_t &position);
Result<std::size_t> write_file(File &, IoBuffer &, std::uint64_t &position);
constexpr std::uint64_t join(std::uint32_t low, std::uint32_t high) { return std::uint64_t{high} << 32 | low; }
}  // namespace kernel
