// SPDX-License-Identifier: MIT
// Disks for other domains: a block device of ours, or a file through a loop device, behind Xen's vbd protocol (include/pv/io/blkif.h).
// Nodes in backend/vbd/DOMAIN/NUMBER, as Xen's public io/blkif.h and xl-disk-configuration(5) have them:
//
//   from the toolstack   frontend, frontend-id, online, mode (r, w), type (phy, file), params (a path), dev
//                        or physical-device: "major:minor" in hexadecimal, from a hotplug script
//                        test-fail-read, test-fail-write: "FIRST+COUNT", sectors that give errors (ours, for tests)
//   from us              feature-flush-cache, feature-barrier, feature-discard, discard-*, feature-persistent,
//                        feature-max-indirect-segments, max-ring-page-order; sectors, sector-size, info
#include <drivers/blkback/backing.hpp>
#include <drivers/blkback/server.hpp>
#include <kernel/log.hpp>
#include <lib/format.hpp>
#include <pv/io/protocols.h>
#include <pvlib/device/xenbus.hpp>

namespace blkback {
namespace {
// "FIRST+COUNT"; what is not written so is no fault.
Faults read_faults(Result<xenbus::Text> const &node)
{
    std::uint64_t number[2] = {};
    unsigned which = 0;
    for (char c : node.ok() ? node.value().view() : std::string_view{}) {
        if (c == '+' && which == 0)
            ++which;
        else if (c < '0' || c > '9' || number[which] > ~std::uint64_t{0} / 20)
            return {};
        else
            number[which] = number[which] * 10 + static_cast<unsigned>(c - '0');
    }
    return which == 1 ? Faults{number[0], number[1]} : Faults{};
}

class BlockBack final : public xenbus::BackEnd {
protected:
    Result<> prepare() override;
    Result<> connect() override;
    void disconnect() override { server_ = nullptr; }
    void retire() override
    {
        server_ = nullptr;
        backing_.close();
    }

private:
    Result<> open_disk();
    Result<> write_features() const;
    Result<> write_geometry() const;
    static void broken(void *context)
    {
        static_cast<BlockBack *>(context)->fail(Error::proto, "its ring makes no sense");
    }
    Backing backing_;
    std::unique_ptr<Server> server_;
};

// Error::again: the toolstack, or a hotplug script, has not said yet which one.
Result<> BlockBack::open_disk()
{
    auto mode = read("mode");
    bool const read_only = mode.ok() && !mode.value().view().starts_with("w");
    auto params = read("params");
    if (!params.ok() && params.error() != Error::noent)
        return params.error();
    auto physical = read("physical-device");
    if (!physical.ok() && (!params.ok() || read("script").ok()))
        return Error::again;
    auto path = params.ok() ? params.value().view() : std::string_view{};
    if (!path.starts_with('/'))  // "aio:/path"
        path.remove_prefix(path.find(':') == path.npos ? 0 : path.find(':') + 1);
    auto opened = physical.ok() ? backing_.open_number(physical.value().view(), read_only)
                                : backing_.open(path, read_only);
    if (opened.ok())
        return {};
    backing_.close();
    fail(opened.error(), "%.*s: %s", static_cast<int>(path.size()), path.data(), Backing::explain(opened.error()));
    return opened;
}

Result<> BlockBack::write_features() const
{
    auto const &l = backing_.device()->limits();
    TRY(write("feature-flush-cache", std::uint32_t{1}));
    TRY(write("feature-barrier", std::uint32_t{1}));
    TRY(write("feature-persistent", std::uint32_t{1}));
    TRY(write("feature-max-indirect-segments", std::uint32_t{max_segments}));
    TRY(write("max-ring-page-order", std::uint32_t{4}));
    TRY(write("feature-discard", std::uint32_t{l.discard && !backing_.read_only()}));
    if (!l.discard || backing_.read_only())
        return {};
    TRY(write("discard-granularity", l.discard_granularity));
    TRY(write("discard-alignment", std::uint32_t{0}));
    return write("discard-secure", std::uint32_t{0});
}

Result<> BlockBack::prepare()
{
    if (!backing_.device())
        TRY(open_disk());
    return write_features();
}

Result<> BlockBack::write_geometry() const
{
    return xenbus::transact([this](xenbus::Tx tx) -> Result<> {
        char text[24];
        auto n = format(text, sizeof text, "%llu", static_cast<unsigned long long>(backing_.device()->sectors()));
        TRY(write("sectors", std::string_view{text, static_cast<std::size_t>(n)}, tx));
        TRY(write("sector-size", backing_.device()->limits().logical_bytes, tx));
        TRY(write("physical-sector-size", backing_.device()->limits().physical_bytes, tx));
        return write("info", std::uint32_t{backing_.read_only() ? VDISK_READONLY : 0u}, tx);
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
    server_.reset(new (std::nothrow) Server{backing_.device(), backing_.read_only()});
    if (!server_)
        return Error::nomem;
    server_->fail_read = read_faults(read("test-fail-read"));
    server_->fail_write = read_faults(read("test-fail-write"));
    server_->on_broken = broken;
    server_->on_broken_context = this;
    char name[16];
    format(name, sizeof name, "blkback.%u.%s", unsigned{other_domain()}, backing_.device()->name());
    auto started = server_->start(other_domain(), {refs, pages}, port, persistent, name);
    if (started.ok())
        started = write_geometry();
    if (!started.ok()) {
        server_ = nullptr;
        return started;
    }
    kernel::log("%s: serves /dev/%s%s, ring of %u pages%s", folder().data(), backing_.device()->name(),
                backing_.read_only() ? " read-only" : "", pages, persistent ? ", persistent grants" : "");
    return {};
}

XENBUS_DRIVER(blkback, {"vbd", xenbus::Side::back, xenbus::make_device<BlockBack>});
}  // namespace
}  // namespace blkback
