// SPDX-License-Identifier: MIT
// Disks for other domains: a block device of ours, or a file through a loop device, behind Xen's vbd protocol (include/pv/io/blkif.h).
// Nodes in backend/vbd/DOMAIN/NUMBER, as Xen's public io/blkif.h and xl-disk-configuration(5) have them:
//
//   from the toolstack   frontend, frontend-id, online, mode (r, w), type (phy, file), params (a path), dev
//                        or physical-device: "major:minor" in hexadecimal, from a hotplug script
//   from us              feature-flush-cache, feature-barrier, feature-discard, discard-*, feature-persistent,
//                        feature-max-indirect-segments, max-ring-page-order; sectors, sector-size, info
#include <drivers/blkback/server.hpp>
#include <fcntl.h>
#include <kernel/block/loop.hpp>
#include <kernel/fs/path.hpp>
#include <kernel/lazy.hpp>
#include <kernel/log.hpp>
#include <kernel/process/process.hpp>
#include <lib/format.hpp>
#include <pv/io/protocols.h>
#include <pvlib/device/xenbus.hpp>

namespace blkback {
namespace {
using kernel::BlockDevice;
using kernel::Ref;

class BlockBack final : public xenbus::BackEnd {
protected:
    Result<> prepare() override;
    Result<> connect() override;
    void disconnect() override { server_ = nullptr; }
    void retire() override;

private:
    Result<Ref<BlockDevice>> find_disk();
    Result<Ref<BlockDevice>> open_path(std::string_view path);
    Result<> write_features() const;
    Result<> write_geometry() const;
    static void broken(void *context)
    {
        static_cast<BlockBack *>(context)->fail(Error::proto, "its ring makes no sense");
    }
    Ref<BlockDevice> disk_;
    Ref<kernel::LoopDevice> loop_;  // ours to give up again
    std::unique_ptr<Server> server_;
    bool read_only_ = false, claimed_ = false;
};

// "7:0": hexadecimal, as hotplug scripts write it.
Result<std::uint32_t> hexadecimal(std::string_view &text)
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

Result<Ref<BlockDevice>> BlockBack::open_path(std::string_view path)
{
    auto device = kernel::block_device_at(path);
    if (device.ok() || device.error() != Error::notblk)
        return device;
    auto file = TRY(kernel::open_path_kernel(path, read_only_ ? O_RDONLY : O_RDWR));
    for (unsigned n = 0; n < 256; ++n) {
        auto loop = TRY(kernel::loop_device(n));
        if (loop->bound() || loop->openers != 0)
            continue;
        loop_info64 info{};
        format(reinterpret_cast<char *>(info.lo_file_name), LO_NAME_SIZE, "%.*s", static_cast<int>(path.size()),
               path.data());
        TRY(loop->bind(std::move(file), info, 0, read_only_));
        loop_ = loop;
        return Ref<BlockDevice>{std::move(loop)};
    }
    return Error::nospc;
}

// Error::again: the script has not answered yet.
Result<Ref<BlockDevice>> BlockBack::find_disk()
{
    auto mode = read("mode");
    read_only_ = mode.ok() && !mode.value().view().starts_with("w");
    if (auto physical = read("physical-device"); physical.ok()) {
        auto text = physical.value().view();
        auto major = TRY(hexadecimal(text)), minor = TRY(hexadecimal(text));
        auto found = kernel::find_block_device(major, minor);
        return found ? Result<Ref<BlockDevice>>{std::move(found)} : Result<Ref<BlockDevice>>{Error::nxio};
    }
    auto params = read("params");
    if (!params.ok())
        return params.error() == Error::noent ? Error::again : params.error();
    if (auto script = read("script"); script.ok())
        return Error::again;  // it will write physical-device
    auto path = params.value().view();
    if (!path.starts_with('/'))  // "aio:/path"
        path.remove_prefix(path.find(':') == path.npos ? 0 : path.find(':') + 1);
    return open_path(path);
}

Result<> BlockBack::write_features() const
{
    auto const &l = disk_->limits();
    TRY(write("feature-flush-cache", std::uint32_t{1}));
    TRY(write("feature-barrier", std::uint32_t{1}));
    TRY(write("feature-persistent", std::uint32_t{1}));
    TRY(write("feature-max-indirect-segments", std::uint32_t{max_segments}));
    TRY(write("max-ring-page-order", std::uint32_t{4}));
    TRY(write("feature-discard", std::uint32_t{l.discard && !read_only_}));
    if (!l.discard || read_only_)
        return {};
    TRY(write("discard-granularity", l.discard_granularity));
    TRY(write("discard-alignment", std::uint32_t{0}));
    return write("discard-secure", std::uint32_t{0});
}

Result<> BlockBack::prepare()
{
    if (!disk_) {
        auto found = find_disk();
        if (!found.ok())
            return found.error();
        disk_ = found.take();
        read_only_ |= disk_->read_only();
        // Two writers of one disk ruin it. Readers may share.
        if (!read_only_) {
            if (auto claim = disk_->claim(this); !claim.ok()) {
                kernel::log("<3>%s: /dev/%s is in use", folder().data(), disk_->name());
                disk_ = nullptr;
                return claim;
            }
            claimed_ = true;
        }
    }
    return write_features();
}

Result<> BlockBack::write_geometry() const
{
    return xenbus::transact([this](xenbus::Tx tx) -> Result<> {
        char text[24];
        auto n = format(text, sizeof text, "%llu", static_cast<unsigned long long>(disk_->sectors()));
        TRY(write("sectors", std::string_view{text, static_cast<std::size_t>(n)}, tx));
        TRY(write("sector-size", disk_->limits().logical_bytes, tx));
        TRY(write("physical-sector-size", disk_->limits().physical_bytes, tx));
        return write("info", std::uint32_t{read_only_ ? VDISK_READONLY : 0u}, tx);
    });
}

Result<> BlockBack::connect()
{
    if (auto protocol = read_other("protocol"); protocol.ok() && protocol.value().view() != XEN_IO_PROTO_ABI_X86_32)
        return Error::opnotsupp;  // requests of another shape
    grant_ref_t refs[16];
    auto const pages = TRY(xenbus::read_ring(*this, refs, std::size(refs)));
    auto const port = TRY(other_number("event-channel"));
    bool const persistent = other_feature("feature-persistent") != 0;
    server_.reset(new (std::nothrow) Server{disk_, read_only_});
    if (!server_)
        return Error::nomem;
    server_->on_broken = broken;
    server_->on_broken_context = this;
    char name[16];
    format(name, sizeof name, "blkback.%u.%s", unsigned{other_domain()}, disk_->name());
    auto started = server_->start(other_domain(), {refs, pages}, port, persistent, name);
    if (started.ok())
        started = write_geometry();
    if (!started.ok()) {
        server_ = nullptr;
        return started;
    }
    kernel::log("%s: serves /dev/%s%s, ring of %u pages%s", folder().data(), disk_->name(),
                read_only_ ? " read-only" : "", pages, persistent ? ", persistent grants" : "");
    return {};
}

void BlockBack::retire()
{
    server_ = nullptr;
    if (std::exchange(claimed_, false))
        disk_->release(this);
    (void)(disk_ ? disk_->flush() : Result<>{});
    disk_ = nullptr;
    if (auto loop = std::exchange(loop_, nullptr))
        (void)loop->unbind();
}

XENBUS_DRIVER(blkback, {"vbd", xenbus::Side::back, xenbus::make_device<BlockBack>});
}  // namespace
}  // namespace blkback
