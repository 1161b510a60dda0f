// SPDX-License-Identifier: MIT
#include <arch/platform.hpp>
#include <kernel/fs/devtmpfs.hpp>
#include <kernel/fs/init.hpp>
#include <kernel/fs/initramfs.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/fs/tmpfs.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>

namespace kernel {
namespace {
Result<> mount_root()
{
    TmpfsOptions o;
    o.mode = 0755;
    o.max_pages = std::uint64_t{frame_counts().total} * 9 / 10;
    auto mount = TRY(Mount::make(TRY(TmpfsSuper::make("rootfs", o)), nullptr, "rootfs", 0));
    set_root_path(Path{mount, mount->root});
    attach_mount(std::move(mount), Path{});
    return {};
}

Result<> mount_dev()
{
    TRY(devtmpfs_init());
    auto made = create_directory(at_fdcwd, "/dev", 0755);
    if (!made.ok() && made.error() != Error::exist)
        return made.error();
    auto super = TRY(find_file_system("devtmpfs")->mount("devtmpfs", 0, ""));
    auto mount = TRY(Mount::make(std::move(super), nullptr, "devtmpfs", 0));
    attach_mount(std::move(mount), TRY(resolve(at_fdcwd, "/dev", lookup_follow | lookup_directory)));
    return {};
}

// A machine without its first file system cannot go on: one sentence about what is wrong and what to do, and the end.
[[noreturn]] void refuse_initrd(Error error, InitramfsReport const &r)
{
    auto const at = static_cast<unsigned>(r.at);
    auto const unpacked = static_cast<unsigned>(r.bytes >> 20);
    switch (error) {
    case Error::nodata:
        log("initrd: the image ends too early, in the archive that begins at byte %u: make or copy it again.\n", at);
        break;
    case Error::opnotsupp:
        log("initrd: the image is compressed with %s, which this kernel cannot unpack: use gzip or no compression.\n",
            r.format);
        break;
    case Error::nomem:
    case Error::nospc:
        log("initrd: the image does not fit into memory (%u MB unpacked): give the machine more memory or make it "
            "smaller.\n",
            unpacked);
        break;
    default:
        log("initrd: at byte %u begins something that is no cpio archive in newc format, or a damaged one: "
            "make it again (cpio -o -H newc | gzip).\n",
            at);
        break;
    }
    arch::halt_forever();
}

void unpack(arch::BootInfo const &boot)
{
    if (boot.initrd_bytes == 0)
        return;
    InitramfsReport report;
    auto unpacked = unpack_initramfs({pointer_to<std::uint8_t const>(boot.initrd), boot.initrd_bytes}, report);
    if (!unpacked.ok())
        refuse_initrd(unpacked.error(), report);
    log("initrd: %u files, %u KB\n", report.files, static_cast<unsigned>(report.bytes >> 10));
}
}  // namespace

void fs_init(arch::BootInfo const &boot)
{
    if (!mount_root().ok())
        panic("no memory for the root file system");
    unpack(boot);
    if (auto mounted = mount_dev(); !mounted.ok())
        panic("/dev cannot be made: error %d", static_cast<int>(mounted.error()));
}

Result<Ref<FsContext>> make_fs_context()
{
    auto fs = TRY(make_ref<FsContext>());
    fs->root = fs->cwd = root_path();
    return fs;
}

Result<Ref<FsContext>> copy_fs_context(FsContext const &from)
{
    auto fs = TRY(make_ref<FsContext>());
    fs->root = from.root;
    fs->cwd = from.cwd;
    fs->umask = from.umask;
    return fs;
}
}  // namespace kernel
