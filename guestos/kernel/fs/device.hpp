// SPDX-License-Identifier: MIT
// Device nodes: a driver registers (type, major, minor range) with an open function; devtmpfs-style nodes appear in /dev.
#pragma once
#include <kernel/fs/file.hpp>

namespace kernel {
struct Device {
    char const *name;  // "null", "tty%u" with a range: the node's name in /dev; nullptr: no node
    bool block;
    std::uint16_t major, minor, count;
    std::uint16_t mode;  // permissions of the node
    Result<Ref<File>> (*open)(Inode &, unsigned minor, unsigned flags);
};
#define REGISTER_DEVICE(identifier, ...) \
    [[gnu::used, gnu::section("devices")]] static ::kernel::Device const identifier = {__VA_ARGS__}
Result<Ref<File>> open_device(Inode &, unsigned flags);  // by rdev: Error::nxio if nobody registered it
// At run time: drivers that find their devices (disks, pts). Creates or removes the node in devfs.
Result<> add_device_node(char const *name, bool block, unsigned major, unsigned minor, std::uint32_t mode,
                         Result<Ref<File>> (*open)(Inode &, unsigned minor, unsigned flags));
void remove_device_node(char const *name);
// ipc/: open(2) of a fifo; its state hangs at Inode::attachment. Blocks for the other end unless O_NONBLOCK.
Result<Ref<File>> open_fifo(Inode &, unsigned flags);
}  // namespace kernel
