// SPDX-License-Identifier: MIT
#include <drivers/blkback/backing.hpp>
#include <fcntl.h>
#include <kernel/fs/path.hpp>
#include <lib/format.hpp>

namespace blkback {
namespace {
constexpr unsigned loops_most = 256;

Result<std::uint32_t> take_hexadecimal(std::string_view &text)
{
    std::uint32_t n = 0;
    std::size_t i = 0;
    for (; i < text.size() && text[i] != ':'; ++i) {
        char const c = text[i];
        auto const digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0 || i > 7)
            return Error::inval;
        n = n * 16 + static_cast<std::uint32_t>(digit);
    }
    text.remove_prefix(i < text.size() ? i + 1 : i);
    return i == 0 ? Result<std::uint32_t>{Error::inval} : Result<std::uint32_t>{n};
}

// Is the file another loop device's already, so that one of the two would write below the other?
bool is_shared(kernel::File const &file, bool read_only)
{
    struct Search {
        kernel::File const &file;
        bool read_only, found;
    } search{file, read_only, false};
    kernel::for_each_block_device(
        [](void *context, kernel::BlockDevice &d) {
            auto &s = *static_cast<Search *>(context);
            auto *loop = d.as_loop();
            if (loop && loop->bound() && loop->file()->inode().get() == s.file.inode().get())
                s.found |= !(s.read_only && loop->read_only());
            return !s.found;
        },
        &search);
    return search.found;
}
}  // namespace

Result<> Backing::open(std::string_view path, bool read_only)
{
    read_only_ = read_only;
    auto device = kernel::block_device_at(path);
    if (device.ok()) {
        device_ = device.take();
        return claim();
    }
    if (device.error() != Error::notblk)
        return device.error();
    auto file = TRY(kernel::open_path_kernel(path, read_only ? O_RDONLY : O_RDWR));
    if (is_shared(*file, read_only))
        return Error::busy;
    TRY(bind_loop(std::move(file), path));
    return claim();
}

Result<> Backing::open_number(std::string_view number, bool read_only)
{
    read_only_ = read_only;
    auto const major = TRY(take_hexadecimal(number)), minor = TRY(take_hexadecimal(number));
    device_ = kernel::find_block_device(major, minor);
    return device_ ? claim() : Result<>{Error::nxio};
}

Result<> Backing::bind_loop(kernel::Ref<kernel::File> file, std::string_view path)
{
    for (unsigned n = 0; n < loops_most; ++n) {
        auto loop = TRY(kernel::loop_device(n));
        if (loop->bound() || loop->openers != 0 || loop->claimed())
            continue;
        loop_info64 info{};
        format(reinterpret_cast<char *>(info.lo_file_name), LO_NAME_SIZE, "%.*s", static_cast<int>(path.size()),
               path.data());
        TRY(loop->bind(std::move(file), info, 0, read_only_));
        loop_ = loop;
        device_ = std::move(loop);
        return {};
    }
    return Error::nospc;
}

Result<> Backing::claim()
{
    if (device_->sectors() == 0)
        return Error::nomedium;
    if (!read_only_ && device_->read_only())
        return Error::rofs;
    if (read_only_)
        return {};
    TRY(device_->claim(this));
    claimed_ = true;
    return {};
}

void Backing::close()
{
    if (device_ && !read_only_)
        (void)device_->flush();  // nobody is left whom a failure could be told; the front end had its own flushes answered
    if (std::exchange(claimed_, false))
        device_->release(this);
    device_ = nullptr;
    if (auto loop = std::exchange(loop_, nullptr))
        (void)loop->unbind();
}

char const *Backing::explain(Error e)
{
    switch (e) {
    case Error::noent: return "there is no such file or device";
    case Error::nxio: return "there is no such device";
    case Error::busy: return "it is in use: mounted, or another domain writes to it";
    case Error::rofs: return "it can only be read: the access has to be r";
    case Error::nomedium: return "it is empty: a disk has one sector of 512 bytes at least";
    case Error::nospc: return "no loop device is free for it";
    case Error::isdir:
    case Error::inval: return "it is neither a block device nor a regular file";
    default: return "it cannot be opened";
    }
}
}  // namespace blkback
