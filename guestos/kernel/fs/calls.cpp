// SPDX-License-Identifier: MIT
#include <cstring>
#include <kernel/fs/calls.hpp>
#include <kernel/fs/inotify.hpp>
#include <linux/fcntl.h>

namespace kernel {
Result<Ref<File>> get_any_file(int fd) { return current().files->get(fd); }

Result<Ref<File>> get_file(int fd)
{
    auto file = TRY(get_any_file(fd));
    if ((file->flags & O_PATH) != 0)
        return Error::badf;
    return file;
}

Result<std::int32_t> install_file(Result<Ref<File>> made, bool close_on_exec)
{
    auto file = TRY(std::move(made));
    return current().files->install(std::move(file), close_on_exec);
}

Result<UserString> UserString::copy(UserPtr<char const> from, std::size_t size)
{
    UserString s;
    auto quick = copy_in_string(s.short_, from.address(), sizeof s.short_ < size ? sizeof s.short_ : size);
    if (!quick.ok() && quick.error() == Error::nametoolong && size > sizeof s.short_) {
        s.long_.reset(new (std::nothrow) char[size]);
        if (!s.long_)
            return Error::nomem;
        quick = copy_in_string(s.long_.get(), from.address(), size);
    }
    s.length_ = TRY(std::move(quick));
    return s;
}

Result<> UserVector::copy(UserPtr<IoBuffer::Segment const> from, unsigned count)
{
    if (count > segments_max)
        return Error::inval;
    auto *to = few_;
    if (count > std::size(few_)) {
        many_.reset(to = new (std::nothrow) IoBuffer::Segment[count]);
        if (!to)
            return Error::nomem;
    }
    TRY(copy_in(to, from.address(), count * sizeof *to));
    count_ = count;
    for (unsigned i = 0; i < count; ++i) {
        if (static_cast<std::int32_t>(to[i].length) < 0)
            return Error::inval;
        if (!user_range_ok(Vaddr{to[i].base}, to[i].length))
            return Error::fault;
        if (to[i].length > io_max - total_)
            to[i].length = static_cast<std::uint32_t>(io_max - total_);
        total_ += to[i].length;
    }
    return {};
}

Result<std::size_t> read_file(File &file, IoBuffer &buffer, std::uint64_t &position)
{
    if (!file.readable())
        return Error::badf;
    TRY(buffer.check());
    auto n = TRY(file.read(buffer, position));
    if (n != 0)
        notify_path(file.path, IN_ACCESS);
    return n;
}

Result<std::size_t> write_file(File &file, IoBuffer &buffer, std::uint64_t &position)
{
    if (!file.writable())
        return Error::badf;
    TRY(buffer.check());
    auto n = TRY(file.write(buffer, position));
    if (n != 0)
        notify_path(file.path, IN_MODIFY);
    return n;
}
}  // namespace kernel
