// SPDX-License-Identifier: MIT
// loop(4)'s ioctls, and /dev/loop-control.
#include <cstring>
#include <kernel/block/block_file.hpp>
#include <kernel/block/loop.hpp>
#include <kernel/fs/calls.hpp>
#include <kernel/fs/device.hpp>
#include <linux/capability.h>

namespace kernel {
namespace {
static_assert(sizeof(loop_info64) == 232 && sizeof(loop_config) == 304);
constexpr unsigned loop_number_max = 256;

Result<> bind_fd(LoopDevice &loop, File const &opened, int fd, loop_info64 const &info, std::uint32_t block_bytes,
                 bool read_only)
{
    auto file = TRY(get_file(fd));
    if (!file->readable())
        return Error::badf;
    return loop.bind(std::move(file), info, block_bytes, read_only || !opened.writable());
}

Result<> configure(LoopDevice &loop, File const &opened, std::uint32_t argument)
{
    auto c = TRY(UserPtr<loop_config>{argument}.read());
    constexpr std::uint32_t known = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO;
    if ((c.info.lo_flags & ~known) != 0)
        return Error::inval;
    return bind_fd(loop, opened, static_cast<int>(c.fd), c.info, c.block_size,
                   (c.info.lo_flags & LO_FLAGS_READ_ONLY) != 0);
}

// The structure of before 64-bit sizes.
loop_info64 widen(loop_info const &o)
{
    loop_info64 n{};
    n.lo_offset = static_cast<std::uint32_t>(o.lo_offset);
    n.lo_flags = static_cast<std::uint32_t>(o.lo_flags);
    n.lo_encrypt_type = static_cast<std::uint32_t>(o.lo_encrypt_type);
    std::memcpy(n.lo_file_name, o.lo_name, LO_NAME_SIZE);
    return n;
}
Result<loop_info> narrow(loop_info64 const &n)
{
    loop_info o{};
    o.lo_number = static_cast<int>(n.lo_number);
    o.lo_device = static_cast<__kernel_old_dev_t>(n.lo_device);
    o.lo_inode = static_cast<unsigned long>(n.lo_inode);
    o.lo_rdevice = static_cast<__kernel_old_dev_t>(n.lo_rdevice);
    o.lo_offset = static_cast<int>(n.lo_offset);
    o.lo_flags = static_cast<int>(n.lo_flags);
    std::memcpy(o.lo_name, n.lo_file_name, LO_NAME_SIZE);
    if (n.lo_offset > 0x7fff'ffff || n.lo_inode > ~0ul)
        return Error::overflow;
    return o;
}

Result<> status(LoopDevice &loop, unsigned command, std::uint32_t argument)
{
    switch (command) {
    case LOOP_SET_STATUS: return loop.set_info(widen(TRY(UserPtr<loop_info>{argument}.read())));
    case LOOP_SET_STATUS64: return loop.set_info(TRY(UserPtr<loop_info64>{argument}.read()));
    default: break;
    }
    if (!loop.bound())
        return Error::nxio;
    if (command == LOOP_GET_STATUS)
        return UserPtr<loop_info>{argument}.write(TRY(narrow(loop.info())));
    return UserPtr<loop_info64>{argument}.write(loop.info());
}

Result<> change(LoopDevice &loop, BlockFile &opened, unsigned command, std::uint32_t argument)
{
    switch (command) {
    case LOOP_SET_FD: return bind_fd(loop, opened, static_cast<int>(argument), {}, 0, false);
    case LOOP_CONFIGURE: return configure(loop, opened, argument);
    case LOOP_CLR_FD: return loop.unbind();
    case LOOP_CHANGE_FD: return loop.change_file(TRY(get_file(static_cast<int>(argument))));
    case LOOP_SET_CAPACITY: return loop.update_size();
    case LOOP_SET_BLOCK_SIZE: return loop.bound() ? loop.set_block_bytes(argument) : Result<>{Error::nxio};
    case LOOP_SET_DIRECT_IO: return argument == 0 ? Result<>{} : Result<>{Error::inval};
    case LOOP_SET_STATUS:
    case LOOP_SET_STATUS64:
    case LOOP_GET_STATUS:
    case LOOP_GET_STATUS64: return status(loop, command, argument);
    default: return Error::notty;
    }
}

class LoopControl final : public File {
public:
    using File::File;
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override
    {
        if (!current().credentials.has_cap(CAP_SYS_ADMIN))
            return Error::perm;
        switch (command) {
        case LOOP_CTL_GET_FREE: return free_one();
        case LOOP_CTL_ADD: {
            if (argument >= loop_number_max)
                return static_cast<std::int32_t>(argument) < 0 ? free_one() : Error::inval;
            if (find_block_device(7, argument))
                return Error::exist;
            return static_cast<std::int32_t>(TRY(loop_device(argument))->number());
        }
        case LOOP_CTL_REMOVE: return remove(argument);
        default: return Error::nosys;
        }
    }

private:
    static Result<std::int32_t> free_one()
    {
        for (unsigned n = 0; n < loop_number_max; ++n)
            if (!TRY(loop_device(n))->bound())
                return static_cast<std::int32_t>(n);
        return Error::nospc;
    }
    static Result<std::int32_t> remove(unsigned number)
    {
        auto found = find_block_device(7, number);
        if (!found)
            return Error::nodev;
        if (found->as_loop()->bound() || found->openers != 0)
            return Error::busy;
        remove_block_device(*found);
        return static_cast<std::int32_t>(number);
    }
};

Result<Ref<File>> open_control(Inode &, unsigned, unsigned flags)
{
    return Ref<File>{TRY(make_ref<LoopControl>(flags))};
}
REGISTER_DEVICE(loop_control, "loop-control", false, 10, 237, 1, 0660, open_control);
}  // namespace

Result<std::int32_t> loop_ioctl(LoopDevice &loop, BlockFile &opened, unsigned command, std::uint32_t argument)
{
    TRY(change(loop, opened, command, argument));
    return 0;
}
}  // namespace kernel
